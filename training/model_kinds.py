"""Kinds of estimators in a pipeline that decide how it is converted."""

from collections.abc import Iterator
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer

# Parts of the names of trees, and of ensembles that consist of trees by default.
_TREES = ("Tree", "Forest", "Boost", "Bagging", "LGBM", "XGB")
_WORDS = CountVectorizer().token_pattern
# Steps that pass numbers on as they are, or replace them by whole numbers.
_EXACT = {
    "CastTransformer",
    "CountVectorizer",
    "FeatureUnion",
    "MissingIndicator",
    "OneHotEncoder",
    "OrdinalEncoder",
    "SelectKBest",
    "SelectPercentile",
    "VarianceThreshold",
}


def has_trees(pipeline: Pipeline) -> bool:
    """Return whether the model is, or contains, decision trees."""
    return any(part in type(inner).__name__ for inner in estimators(pipeline[-1]) for part in _TREES)


def behind_arithmetic(pipeline: Pipeline) -> bool:
    """Return whether a step before the model computes with numbers, such as a scaler."""
    return any(not _exact(step) for step in _steps(pipeline[:-1]))


def _exact(step: Any) -> bool:
    # A fitted ColumnTransformer has the identity for "passthrough".
    return type(step).__name__ in _EXACT or (isinstance(step, FunctionTransformer) and step.func is None)


def text_steps(pipeline: Pipeline) -> Iterator[Any]:
    """Yield the vectorizers that split texts into words as scikit-learn does by default."""
    for step in _steps(pipeline):
        if isinstance(step, CountVectorizer) and step.analyzer == "word" and step.token_pattern == _WORDS:
            yield step


def estimators(value: Any) -> Iterator[Any]:
    """Yield an estimator and those among its parameters, at any depth."""
    if isinstance(value, list | tuple):
        for one in value:
            yield from estimators(one)
    elif hasattr(value, "get_params"):
        yield value
        for inner in value.get_params(deep=False).values():
            yield from estimators(inner)


def _steps(step: Any) -> Iterator[Any]:
    """Yield the transformers that a step consists of."""
    if isinstance(step, Pipeline):
        for _, inner in step.steps:
            yield from _steps(inner)
    elif isinstance(step, FeatureUnion):
        for _, inner in step.transformer_list:
            yield from _steps(inner)
    elif isinstance(step, ColumnTransformer):
        for _, inner, _ in step.transformers_:
            yield from _steps(inner)
    elif not isinstance(step, str):
        yield step

"""What to do about a pipeline that can't be served."""

from collections.abc import Iterator
from typing import Any

from sklearn.pipeline import Pipeline

from training.model_kinds import behind_arithmetic, estimators, has_trees

SUPPORTED = (
    "linear and logistic models, trees, random forests, gradient boosting, histogram gradient boosting, "
    "nearest neighbours, support vectors and small neural nets, behind one-hot, ordinal or target encoding, "
    "scaling, imputing, polynomials and text vectorizers; LightGBM, XGBoost and CatBoost"
)
# By the class of an estimator or step.
_WAYS = {
    "CatBoost": "Encode categories before CatBoost, such as by OneHotEncoder, not by cat_features.",
    "DictVectorizer": "Take OneHotEncoder in a ColumnTransformer.",
    "FunctionTransformer": "Compute the function in prepare(), and send its result in the record.",
    "HashingVectorizer": "Take TfidfVectorizer or CountVectorizer with lowercase=False.",
    "LinearDiscriminantAnalysis": "Take LogisticRegression, whose border is linear too.",
    "SplineTransformer": "Take KBinsDiscretizer, or compute the splines in prepare() and send them.",
    "TransformedTargetRegressor": "Transform the target in prepare(), or take a model with a link, "
    "such as PoissonRegressor.",
    "VotingClassifier": "Set flatten_transform=False.",
}
_TREES = (
    "Trees behind a step that computes are the usual cause: rounding moves a value across a split, and trees "
    "need no scaling. Remove the step, or compute it in prepare() and send its result in the record."
)


_MISSING = "Put a SimpleImputer before these trees, or take HistGradientBoosting, which takes missing values."
_FORESTS = ("RandomForest", "ExtraTrees", "DecisionTree", "ExtraTree", "Bagging")


def advice(pipeline: Pipeline, *, missing: bool = False) -> str:
    """Return what is supported and, if known, the way out, a line each.

    `missing` states that some of the values are missing.
    """
    found = [way for one in estimators(pipeline) for way in _ways(one)]
    if missing and type(pipeline[-1]).__name__.startswith(_FORESTS):
        found.append(_MISSING)
    if not found and has_trees(pipeline) and behind_arithmetic(pipeline):
        found = [_TREES]
    return "\n".join([f"Supported: {SUPPORTED}.", *dict.fromkeys(found)])


def _ways(one: Any) -> Iterator[str]:
    """Yield the ways out that are known for one estimator or step."""
    yield from (way for known, way in _WAYS.items() if type(one).__name__.startswith(known))
    if getattr(one, "add_indicator", False):
        yield "Set add_indicator=False in the imputer."
    if getattr(one, "is_categorical_", None) is not None:
        yield "Encode categories by OneHotEncoder, instead of by categorical_features."

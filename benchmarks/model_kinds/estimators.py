"""The models that are tried, numbers scaled unless the name says otherwise."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn import (
    calibration,
    decomposition,
    ensemble,
    impute,
    linear_model,
    naive_bayes,
    neighbors,
    svm,
    tree,
)
from sklearn import discriminant_analysis as discriminant
from sklearn import neural_network as nets
from sklearn import preprocessing as prepare
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline
from xgboost import XGBClassifier, XGBRegressor

from benchmarks.model_kinds.rows import NUMBERS, PLACES
from benchmarks.model_kinds.trial import Kind

_LGBM: dict[str, Any] = {"n_estimators": 30, "verbose": -1, "n_jobs": 1, "random_state": 0}
_XGB: dict[str, Any] = {"n_estimators": 30, "n_jobs": 1, "random_state": 0}
_CAT: dict[str, Any] = {
    "iterations": 30,
    "verbose": 0,
    "thread_count": 1,
    "random_seed": 0,
    "allow_writing_files": False,
}
_TREES: dict[str, Any] = {"n_estimators": 20, "random_state": 0}
_NET: dict[str, Any] = {"hidden_layer_sizes": (16,), "max_iter": 100, "random_state": 0}


def _behind(model: Any, numbers: Any = "scaled", places: Any = None) -> Pipeline:
    """Return the model behind encoded places, and numbers that pass through a step."""
    step = prepare.StandardScaler() if numbers == "scaled" else numbers
    encoder = places or prepare.OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_pipeline(ColumnTransformer([("places", encoder, PLACES), ("numbers", step, NUMBERS)]), model)


def _of_text(model: Any, vectorizer: Any) -> Pipeline:
    return make_pipeline(ColumnTransformer([("words", vectorizer, "note")]), model)


def kinds() -> Iterator[Kind]:
    """Yield every model to try."""
    yield from _regressors()
    yield from _classifiers()
    yield from _ensembles()
    yield from _boosters()
    yield from _steps()
    yield from _missing_values()
    yield from _texts()


def _kind(group: str, model: Any, target: str, about: str = "", **steps: Any) -> Kind:
    name = type(model).__name__ + (f", {about}" if about else "")
    return Kind(group, name, lambda: _behind(model, **steps), target)


def _regressors() -> Iterator[Kind]:
    for model in (
        linear_model.LinearRegression(),
        linear_model.Ridge(),
        linear_model.Lasso(0.01),
        linear_model.ElasticNet(0.01),
        linear_model.HuberRegressor(max_iter=500),
        linear_model.PoissonRegressor(),
        linear_model.SGDRegressor(random_state=0),
        svm.SVR(),
        neighbors.KNeighborsRegressor(),
        nets.MLPRegressor(**_NET),
    ):
        yield _kind("regression", model, "price")
    logarithm = TransformedTargetRegressor(linear_model.Ridge(), func=np.log, inverse_func=np.exp)
    yield _kind("regression", logarithm, "price")


def _classifiers() -> Iterator[Kind]:
    lda = discriminant.LinearDiscriminantAnalysis
    for model, target in (
        (linear_model.LogisticRegression(max_iter=500), "late"),
        (linear_model.LogisticRegression(max_iter=500), "grade"),
        (linear_model.SGDClassifier(loss="log_loss", random_state=0), "late"),
        (lda(), "late"),
        (lda(), "grade"),
        (svm.SVC(probability=True, random_state=0), "late"),
        (svm.LinearSVC(), "late"),
        (neighbors.KNeighborsClassifier(), "grade"),
        (naive_bayes.GaussianNB(), "grade"),
        (nets.MLPClassifier(**_NET), "grade"),
    ):
        about = "two classes" if target == "late" else "three classes"
        yield _kind("classification", model, target, about)
    calibrated = calibration.CalibratedClassifierCV
    forest = ensemble.RandomForestClassifier(**_TREES)
    yield _kind("classification", calibrated(svm.LinearSVC(), cv=3), "late", "of LinearSVC")
    yield _kind("classification", calibrated(forest, method="isotonic", cv=3), "grade", "of a forest")


def _ensembles() -> Iterator[Kind]:
    forest = ensemble.RandomForestClassifier(**_TREES)
    logistic = linear_model.LogisticRegression(max_iter=500)
    for model, target in (
        (tree.DecisionTreeRegressor(random_state=0), "price"),
        (ensemble.RandomForestRegressor(**_TREES), "price"),
        (ensemble.ExtraTreesClassifier(**_TREES), "grade"),
        (ensemble.GradientBoostingClassifier(**_TREES), "late"),
        (ensemble.HistGradientBoostingRegressor(max_iter=30, random_state=0), "price"),
        (ensemble.HistGradientBoostingClassifier(max_iter=30, random_state=0), "late"),
        (ensemble.AdaBoostClassifier(**_TREES), "grade"),
        (ensemble.BaggingRegressor(random_state=0), "price"),
    ):
        yield _kind("trees", model, target, numbers="passthrough")
        yield _kind("trees", model, target, "behind StandardScaler")
    members = [("forest", forest), ("logistic", logistic)]
    yield _kind("trees", ensemble.StackingClassifier(members, cv=3), "late")
    yield _kind("trees", ensemble.VotingClassifier(members, voting="soft"), "late")
    flat = ensemble.VotingClassifier(members, voting="soft", flatten_transform=False)
    yield _kind("trees", flat, "late", "flatten_transform=False")


def _boosters() -> Iterator[Kind]:
    for model, target in (
        (LGBMRegressor(**_LGBM), "price"),
        (LGBMClassifier(**_LGBM), "late"),
        (LGBMClassifier(**_LGBM), "grade"),
        (XGBRegressor(**_XGB), "price"),
        (XGBClassifier(**_XGB), "returned"),
        (CatBoostRegressor(**_CAT), "price"),
        (CatBoostClassifier(**_CAT), "late"),
        (CatBoostClassifier(**_CAT), "grade"),
    ):
        about = {"grade": "three classes, ", "price": ""}.get(target, "two classes, ")
        yield _kind("boosting libraries", model, target, about + "unscaled", numbers="passthrough")
        yield _kind("boosting libraries", model, target, about + "behind StandardScaler")


def _steps() -> Iterator[Kind]:
    forest = ensemble.RandomForestRegressor(**_TREES)
    for step in (
        prepare.MinMaxScaler(),
        prepare.RobustScaler(),
        prepare.MaxAbsScaler(),
        prepare.PowerTransformer(),
        prepare.QuantileTransformer(n_quantiles=20),
        prepare.PolynomialFeatures(2),
        decomposition.PCA(2),
        impute.SimpleImputer(strategy="median"),
        prepare.SplineTransformer(),
        prepare.FunctionTransformer(np.cbrt),
    ):
        yield _kind("steps", forest, "price", f"behind {type(step).__name__}", numbers=step)
    ordinal = prepare.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    target = prepare.TargetEncoder(target_type="continuous")
    for encoder in (ordinal, target):
        yield _kind("steps", forest, "price", f"behind {type(encoder).__name__}", places=encoder)


def _with_missing(model: Any, numbers: Any, channel: Any = None) -> Pipeline:
    """Return the model behind numbers of which some are missing, and an encoded channel."""
    encoder = channel or prepare.OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = [("channel", encoder, ["channel"]), ("numbers", numbers, [*NUMBERS, "income"])]
    return make_pipeline(ColumnTransformer(columns), model)


def _missing_values() -> Iterator[Kind]:
    logistic = linear_model.LogisticRegression(max_iter=500)
    imputed = make_pipeline(impute.SimpleImputer(strategy="median"), prepare.StandardScaler())
    flagged = make_pipeline(impute.SimpleImputer(add_indicator=True), prepare.StandardScaler())
    ordinal = prepare.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    categories = ensemble.HistGradientBoostingClassifier(
        max_iter=30, random_state=0, categorical_features=[0]
    )
    for model, numbers, channel, target, about in (
        (logistic, imputed, None, "late", "behind SimpleImputer and StandardScaler"),
        (logistic, flagged, None, "late", "behind SimpleImputer(add_indicator=True)"),
        (ensemble.RandomForestClassifier(**_TREES), "passthrough", None, "late", ""),
        (
            ensemble.HistGradientBoostingRegressor(max_iter=30, random_state=0),
            "passthrough",
            None,
            "price",
            "",
        ),
        (categories, "passthrough", ordinal, "late", "categorical_features"),
        (LGBMRegressor(**_LGBM), "passthrough", None, "price", ""),
        (LGBMClassifier(**_LGBM), "passthrough", None, "grade", ""),
        (XGBClassifier(**_XGB), "passthrough", None, "returned", ""),
        (CatBoostClassifier(**_CAT), "passthrough", None, "late", ""),
    ):

        def pipeline(model: Any = model, numbers: Any = numbers, channel: Any = channel) -> Pipeline:
            return _with_missing(model, numbers, channel)

        name = type(model).__name__ + (f", {about}" if about else "")
        yield Kind("missing values", name, pipeline, target, (*NUMBERS, "income", "channel"))


def _texts() -> Iterator[Kind]:
    logistic = linear_model.LogisticRegression(max_iter=500)
    plain: dict[str, Any] = {"lowercase": False}
    for model, vectorizer, target, about in (
        (logistic, TfidfVectorizer(**plain), "late", "TfidfVectorizer"),
        (logistic, TfidfVectorizer(ngram_range=(1, 2), **plain), "late", "TfidfVectorizer of word pairs"),
        (naive_bayes.MultinomialNB(), TfidfVectorizer(**plain), "grade", "TfidfVectorizer"),
        (naive_bayes.BernoulliNB(), CountVectorizer(**plain), "grade", "CountVectorizer"),
        (logistic, TfidfVectorizer(), "late", "TfidfVectorizer(lowercase=True)"),
        (logistic, HashingVectorizer(n_features=64, **plain), "late", "HashingVectorizer"),
    ):

        def pipeline(model: Any = model, vectorizer: Any = vectorizer) -> Pipeline:
            return _of_text(model, vectorizer)

        yield Kind("texts", f"{type(model).__name__}, behind {about}", pipeline, target, ("note",))

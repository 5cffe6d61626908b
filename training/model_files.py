"""Fitted models that others stored: MLflow URIs, folders, skops files; pickles only if trusted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import mlflow.sklearn
import skops.io  # type: ignore[import-untyped]  # ships no types
from mlflow.exceptions import MlflowException
from sklearn.pipeline import Pipeline

from training.errors import UserError, describe

# Packages and classes that are loaded from skops: loading them runs no code of a file.
TRUSTED = (
    "sklearn.",
    "numpy.",
    "scipy.",
    "lightgbm.",
    "xgboost.",
    "catboost.",
    "collections.OrderedDict",
    "collections.defaultdict",
)
_PICKLES = (".pkl", ".pickle", ".joblib")
# Flavours that MLflow loads as an estimator with scikit-learn's methods.
_FLAVOURS = ("sklearn", "lightgbm", "xgboost", "catboost")
_FORMAT = "serialization_format"


class ModelFileError(UserError, ValueError):
    """A stored model can't be read, or only by running code that it holds."""


@dataclass(frozen=True)
class Found:
    """A fitted pipeline, and the input names of its MLflow signature, empty if unknown."""

    pipeline: Pipeline
    inputs: Sequence[str] = ()


def load(model: str, *, trust_pickle: bool = False) -> Found:
    """Return the model of an MLflow URI, a folder or a skops file. Raises ModelFileError.

    A pickle runs code when it is loaded, so it is loaded with `trust_pickle` only.
    """
    path = Path(model)
    try:
        if path.is_file():
            return Found(as_pipeline(_of_file(path, trust_pickle=trust_pickle)))
        if "://" not in model and ":/" not in model and not path.is_dir():
            raise ModelFileError(
                f"there is no model {model}: give an MLflow URI such as models:/NAME@ALIAS or "
                "runs:/RUN/model, the folder of an MLflow model, or a .skops file"
            )
        return _of_mlflow(model, trust_pickle=trust_pickle)
    except (MlflowException, OSError) as error:
        raise ModelFileError(
            f"{model} can't be loaded ({describe(error)}): check it, and MLFLOW_TRACKING_URI "
            f"({mlflow.get_tracking_uri()})"
        ) from error


def as_pipeline(estimator: Any) -> Pipeline:
    """Return a fitted estimator as a pipeline. Raises ModelFileError for other objects."""
    if isinstance(estimator, Pipeline):
        return estimator
    if not hasattr(estimator, "predict") or not hasattr(estimator, "get_params"):
        raise ModelFileError(
            f"{type(estimator).__name__} is no estimator with scikit-learn's methods: adopt the fitted "
            "pipeline, or the model's scikit-learn class such as LGBMClassifier"
        )
    return Pipeline([("model", estimator)])


def stored_types(pipeline: Pipeline) -> list[str]:
    """Return the classes that loading the stored pipeline must trust. Raises ModelFileError for others."""
    types: list[str] = skops.io.get_untrusted_types(data=skops.io.dumps(pipeline))
    if foreign := [name for name in types if not name.startswith(TRUSTED)]:
        raise ModelFileError(
            f"the pipeline holds {', '.join(foreign)}: take classes of scikit-learn, LightGBM, XGBoost "
            "and CatBoost; others can't be stored without a pickle"
        )
    return types


def save(pipeline: Pipeline, path: Path) -> None:
    """Write a pipeline as skops. Raises ModelFileError for classes of other packages."""
    stored_types(pipeline)
    skops.io.dump(pipeline, path)


def read(path: Path) -> Pipeline:
    """Return the pipeline of a skops file. Raises ModelFileError."""
    try:
        types = skops.io.get_untrusted_types(file=path)
        if found := [name for name in types if not name.startswith(TRUSTED)]:
            raise ModelFileError(f"{path} holds {', '.join(found)}, which is not loaded from skops")
        return as_pipeline(skops.io.load(path, trusted=types))
    except (OSError, ValueError, KeyError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{path} can't be read as skops ({describe(error)}): adopt it again") from error


def _of_file(path: Path, *, trust_pickle: bool) -> Any:
    if path.suffix not in _PICKLES:
        return read(path)
    _check_trust(str(path), trust_pickle=trust_pickle)
    import joblib  # type: ignore[import-untyped]  # noqa: PLC0415 (for trusted pickles only)

    return joblib.load(path)


def _of_mlflow(uri: str, *, trust_pickle: bool) -> Found:
    info = mlflow.models.get_model_info(uri)
    flavour = next((name for name in _FLAVOURS if name in info.flavors), None)
    if flavour is None:
        raise ModelFileError(
            f"{uri} has the flavours {', '.join(info.flavors)}: adopt takes {', '.join(_FLAVOURS)}; log the "
            "fitted pipeline with mlflow.sklearn.log_model"
        )
    described = info.flavors[flavour]
    data = str(described.get("pickled_model") or described.get("data") or "")
    if described.get(_FORMAT, "") in {"pickle", "cloudpickle"} or data.endswith(_PICKLES):
        _check_trust(uri, trust_pickle=trust_pickle)
    loader = getattr(mlflow, flavour)
    names = info.signature.inputs.input_names() if info.signature and info.signature.inputs else []
    return Found(as_pipeline(loader.load_model(uri)), [name for name in names if isinstance(name, str)])


def _check_trust(model: str, *, trust_pickle: bool) -> None:
    if not trust_pickle:
        raise ModelFileError(
            f"{model} is a pickle, which runs code when it is loaded: add --trust-pickle "
            "(make: TRUST_PICKLE=1) if you made it, or store it as skops "
            "(mlflow.sklearn.log_model(..., serialization_format='skops'))"
        )

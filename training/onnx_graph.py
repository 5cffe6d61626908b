"""Changes to the pipeline before its conversion to ONNX, and to the graph after it."""

import json
from itertools import count
from typing import Any

import numpy as np
import pandas as pd
from skl2onnx.sklapi import CastTransformer
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from contract import bundle
from training.errors import UserError
from training.use_case import UseCase

# Words of two or more letters, digits or underscores, as scikit-learn's vectorizers split text by default.
WORDS = r"[\p{L}\p{N}_]{2,}"


class ExportError(UserError, RuntimeError):
    """The pipeline can't be served as ONNX; the message names cause and rows."""


def with_columns(use_case: UseCase, pipeline: Pipeline) -> Pipeline:
    """Return the pipeline with its columns joined first.

    ONNX has one input per feature, the model a single one.
    """
    if isinstance(pipeline[0], ColumnTransformer):
        return pipeline
    join = ColumnTransformer([("all", "passthrough", use_case.feature_names)])
    join.fit(pd.DataFrame([[0.0] * len(use_case.features)], columns=use_case.feature_names))
    return Pipeline([("join", join), *pipeline.steps])


def refuse_case_change(graph: Any) -> None:
    """Raise ExportError for a text step that changes case, even where this machine has its locale."""
    for node in graph.node:
        actions = [a.s for a in node.attribute if a.name == "case_change_action"]
        if node.op_type == "StringNormalizer" and actions not in ([], [b"NONE"]):
            raise ExportError(
                "a text step changes case, for which ONNX Runtime needs a locale that the image lacks:\n"
                "set lowercase=False in the vectorizer, and lower the text in prepare() and in the records"
            )


def name_inputs(graph: Any, names: list[str]) -> None:
    """Name the inputs as the features: skl2onnx makes "volatile_acidity" of "volatile acidity".

    A value inside the graph that has a feature's name, such as "variable", gets another one.
    """
    renamed = {given.name: name for given, name in zip(graph.input, names, strict=True)}
    inner = {name for node in graph.node for name in node.output}
    free = (f"inner_{number}" for number in count())
    renamed |= {name: next(n for n in free if n not in {*names, *inner}) for name in inner & set(names)}
    for value in (*graph.input, *graph.output):
        value.name = renamed.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]


def with_cast(pipeline: Pipeline) -> Pipeline:
    """Return the pipeline with a conversion to float32 before its model, as trees do it themselves."""
    return Pipeline([*pipeline.steps[:-1], ("cast", CastTransformer(dtype=np.float32)), pipeline.steps[-1]])


def name_classes(model: Any, classes: Any) -> None:
    """Store the classes in the model, in the order of its probabilities."""
    entry = model.metadata_props.add()
    entry.key, entry.value = bundle.CLASSES_KEY, json.dumps(np.asarray(classes).tolist())

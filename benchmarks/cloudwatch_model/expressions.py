"""Metric math over arrays of data points."""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]

_BINARY: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARE: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}


def evaluate(expression: str, series: Mapping[str, Series]) -> Series:
    """Return the expression's value per data point; NaN is a missing data point.

    Knows the operators and the functions FILL and IF. Raises ValueError for anything else.
    """
    text = re.sub(r"\bAND\b", "and", re.sub(r"\bOR\b", "or", expression))
    with np.errstate(divide="ignore", invalid="ignore"):
        value = _value(ast.parse(text, mode="eval").body, series)
    # A division by zero leaves no data point.
    return np.where(np.isfinite(value), value, np.nan)


def _value(node: ast.AST, series: Mapping[str, Series]) -> Any:
    value: Any
    match node:
        case ast.Name(id=name):
            value = series[name]
        case ast.Constant(value=number):
            value = number
        case ast.BinOp(left=left, op=op, right=right):
            value = _BINARY[type(op)](_value(left, series), _value(right, series))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            one, other = _value(left, series), _value(right, series)
            value = _present(_COMPARE[type(op)](one, other), one, other)
        case ast.BoolOp(op=op, values=values):
            parts = [_value(part, series) for part in values]
            joined = np.all if isinstance(op, ast.And) else np.any
            value = _present(joined([part != 0 for part in parts], axis=0), *parts)
        case ast.Call(func=ast.Name(id="FILL"), args=[inner, fill]):
            filled = _value(inner, series)
            value = np.where(np.isnan(filled), _value(fill, series), filled)
        case ast.Call(func=ast.Name(id="IF"), args=[test, yes, no]):
            condition = _value(test, series)
            value = _present(np.where(condition != 0, _value(yes, series), _value(no, series)), condition)
        case _:
            raise ValueError(f"the model does not know {ast.unparse(node)!r}")
    return value


def _present(value: Any, *operands: Any) -> Any:
    """Return `value` as numbers, missing where an operand is missing."""
    missing = np.any([np.isnan(operand) for operand in np.broadcast_arrays(*operands)], axis=0)
    return np.where(missing, np.nan, np.asarray(value, dtype=np.float64))

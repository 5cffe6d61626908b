"""Fields of a record: features of the model, and inputs of derived features."""

import math
from collections.abc import Sequence
from enum import StrEnum
from zoneinfo import ZoneInfo

from contract import names
from contract.base import DType, Kind, OutOfRange, Struct, Tensor
from contract.derived import Derived
from contract.names import ContractError
from contract.target import check_values
from contract.times import DEFAULT_ZONE

_INT64 = 2**63
_MISSING_INT, _MISSING_STR, _MISSING_TEXT = -1, "(missing)", ""
_TENSORS = {DType.STR: Tensor.STRING, DType.INT: Tensor.INT64, DType.BOOL: Tensor.INT64}


class Feature(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One feature of the model, sent in the record or derived from fields of it.

    `minimum` and `maximum` are inclusive, in the feature's unit. `categories` are the values
    seen in training: other values are scored and flagged, never rejected. Of a text, the length is
    monitored. A `nullable` feature may be null or absent: the model is given NaN for a number or boolean,
    else `missing`, by default -1, "(missing)" or an empty text.
    """

    name: str
    kind: Kind
    dtype: DType
    minimum: float | None = None
    maximum: float | None = None
    out_of_range: OutOfRange = OutOfRange.FLAG
    categories: list[int | str] | None = None
    unit: str = ""
    nullable: bool = False
    missing: int | str | None = None
    derived: Derived | None = None

    def __post_init__(self) -> None:
        """Raise ContractError if the declaration is inconsistent."""
        names.check_feature_name(self.name)
        self._check_types()
        self._check_kind()
        if self.categories is not None:
            check_values(f"feature {self.name!r}", "categories", self.categories, self.dtype)
        for role, bound in (("minimum", self.minimum), ("maximum", self.maximum)):
            self._check_bound(role, bound)
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ContractError(
                f"feature {self.name!r} has minimum {self.minimum} above maximum {self.maximum}: swap them"
            )
        self._check_missing()
        if self.derived is not None:
            self.derived.check_result(f"feature {self.name!r}", self.kind, self.dtype)
            if self.out_of_range is OutOfRange.REJECT:
                raise ContractError(
                    f"feature {self.name!r} is derived: a range can reject sent fields only; leave "
                    "out_of_range out"
                )

    @property
    def tensor(self) -> Tensor:
        """Type of the model's input: a missing number needs float32, booleans are 0 and 1."""
        if self.marker is None and self.nullable:
            return Tensor.FLOAT32
        return _TENSORS.get(self.dtype, Tensor.FLOAT32)

    @property
    def marker(self) -> int | str | None:
        """The category that the model is given for a missing value; None if it is given NaN."""
        if not self.nullable or self.kind is Kind.NUMERIC:
            return None
        if self.missing is not None or self.dtype is DType.BOOL:
            return self.missing
        if self.dtype is DType.INT:
            return _MISSING_INT
        return _MISSING_TEXT if self.kind is Kind.TEXT else _MISSING_STR

    def _check_types(self) -> None:
        for field, kind in (("kind", Kind), ("dtype", DType), ("out_of_range", OutOfRange)):
            check_enum(f"feature {self.name!r}", field, getattr(self, field), kind)
        check_flag(f"feature {self.name!r}", self.nullable)
        if self.dtype is DType.TIMESTAMP:
            raise ContractError(
                f"feature {self.name!r} is a timestamp, which no model takes: declare it among the inputs, "
                "and derive features from it, such as hour and weekday"
            )

    def _check_kind(self) -> None:
        about = f"feature {self.name!r} is {self.kind}"
        if self.dtype is DType.BOOL and self.kind is not Kind.CATEGORICAL:
            raise ContractError(f"{about}: give it dtype int or float, or kind categorical with dtype bool")
        if self.kind is Kind.NUMERIC and self.dtype is DType.STR:
            raise ContractError(f"{about}: give it dtype int or float, not str")
        if self.kind is Kind.CATEGORICAL and self.dtype is DType.FLOAT:
            raise ContractError(f"{about}: give it dtype int or str, not float")
        if self.kind is Kind.TEXT and self.dtype is not DType.STR:
            raise ContractError(f"{about}: give it dtype str, not {self.dtype}")
        if self.kind is not Kind.CATEGORICAL and self.categories is not None:
            raise ContractError(f"{about}: remove its categories")
        if self.kind is not Kind.NUMERIC and (self.minimum, self.maximum) != (None, None):
            raise ContractError(f"{about}: remove its minimum and maximum")
        if self.dtype is DType.BOOL and self.categories is not None:
            raise ContractError(f"feature {self.name!r} is bool: remove its categories")

    def _check_missing(self) -> None:
        """Raise ContractError if `missing` can't stand for a missing value."""
        if (marker := self.missing) is None:
            marker = self.marker
        elif not self.nullable:
            raise ContractError(f"feature {self.name!r} has missing {marker!r}: declare nullable=True too")
        elif self.kind is Kind.NUMERIC or self.dtype is DType.BOOL:
            raise ContractError(
                f"feature {self.name!r} has missing {marker!r}, but a missing number or boolean is NaN to "
                "the model: remove it, and let the pipeline impute"
            )
        else:
            check_values(f"feature {self.name!r}", "missing", [marker], self.dtype)
        if self.missing is None and marker is not None and marker in (self.categories or []):
            raise ContractError(
                f"feature {self.name!r} has {marker!r} among its categories, which would stand for a missing "
                "value: declare the value that does by missing=..."
            )

    def _check_bound(self, role: str, bound: float | None) -> None:
        if bound is None:
            return
        found = f"feature {self.name!r} has {role} {bound!r}"
        if isinstance(bound, bool) or not isinstance(bound, int | float) or not math.isfinite(bound):
            raise ContractError(f"{found}: give a finite number, or leave it out")
        if self.dtype is DType.INT and bound != int(bound):
            raise ContractError(f"{found} but dtype int: give a whole number, or dtype float")
        # contract.json keeps bounds as floats: compare what will be read back.
        if self.dtype is DType.INT and abs(float(bound)) >= _INT64:
            raise ContractError(f"{found}, beyond 64-bit integers: give one below 2^63, or leave it out")


class Input(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One field of a record that the model does not take, from which features are derived.

    `zone` is the IANA time zone of a timestamp's parts, and of timestamps without an offset.
    """

    name: str
    dtype: DType
    nullable: bool = False
    zone: str = DEFAULT_ZONE

    def __post_init__(self) -> None:
        """Raise ContractError if the declaration is inconsistent."""
        names.check_name("input", self.name)
        check_enum(f"input {self.name!r}", "dtype", self.dtype, DType)
        check_flag(f"input {self.name!r}", self.nullable)
        if self.dtype is not DType.TIMESTAMP and self.zone != DEFAULT_ZONE:
            raise ContractError(f"input {self.name!r} is no timestamp: remove its zone")
        try:
            ZoneInfo(self.zone)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ContractError(
                f"input {self.name!r} has zone {self.zone!r}: give a name of the IANA time zone database, "
                "such as America/New_York"
            ) from error


Field = Feature | Input


def sent(features: Sequence[Feature], inputs: Sequence[Input]) -> list[Field]:
    """Return the fields that a record has: the features that are not derived, then the inputs."""
    return [*(feature for feature in features if feature.derived is None), *inputs]


def check_fields(features: Sequence[Feature], inputs: Sequence[Input]) -> None:
    """Raise ContractError if a derived feature can't be computed, or an input is not used."""
    known: dict[str, Field] = {i.name: i for i in inputs}
    known |= {f.name: f for f in features if f.derived is None}
    used: set[str] = set()
    for feature in features:
        if feature.derived is None:
            continue
        owner = f"feature {feature.name!r}"
        if unknown := [name for name in feature.derived.of if name not in known]:
            raise ContractError(
                f"{owner} is derived from {unknown[0]!r}, which is no input, sent feature, or derived "
                f"feature declared before it; these are {list(known)}"
            )
        operands = [known[name] for name in feature.derived.of]
        feature.derived.check_operands(owner, {o.name: o.dtype for o in operands})
        if not feature.nullable and (missing := [o.name for o in operands if o.nullable]):
            raise ContractError(
                f"{owner} is derived from {missing[0]!r}, which may be missing: declare it nullable too"
            )
        used |= set(feature.derived.of)
        known[feature.name] = feature
    if unused := [i.name for i in inputs if i.name not in used]:
        raise ContractError(
            f"input {unused[0]!r} is used by no derived feature: remove it; records may have other fields"
        )


def check_enum(owner: str, field: str, value: object, kind: type[StrEnum]) -> None:
    """Raise ContractError unless `value` is a member of the enum."""
    if not isinstance(value, kind):
        known = ", ".join(f"{kind.__name__}.{member.name}" for member in kind)
        raise ContractError(f"{owner} has {field} {value!r}: give one of {known}")


def check_flag(owner: str, nullable: object) -> None:
    """Raise ContractError unless `nullable` is a boolean."""
    if not isinstance(nullable, bool):
        raise ContractError(f"{owner} has nullable {nullable!r}: give True or False")

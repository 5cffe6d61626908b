"""Declaration of derived features: operation and operands."""

from collections.abc import Mapping
from enum import StrEnum

from contract.base import DType, Kind, Struct
from contract.names import ContractError

_NUMBERS = frozenset({DType.INT, DType.FLOAT})
_TIMES = frozenset({DType.TIMESTAMP})
_TEXTS = frozenset({DType.INT, DType.STR, DType.BOOL})


class Operation(StrEnum):
    """How a feature is derived from its operands."""

    CONCATENATE = "concatenate"
    HOUR = "hour"
    WEEKDAY = "weekday"
    DAY = "day"
    MONTH = "month"
    DIFFERENCE = "difference"
    RATIO = "ratio"
    LOG = "log"


_PARTS = frozenset({Operation.HOUR, Operation.WEEKDAY, Operation.DAY, Operation.MONTH})
# Least and most operands of operations that don't have one.
_OPERANDS = {Operation.CONCATENATE: (2, 8), Operation.DIFFERENCE: (2, 2), Operation.RATIO: (2, 2)}
_SEPARATOR = "_"


class Derived(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Operation and the names of its operands, in order; `separator` joins concatenated texts.

    A result that is not defined (a missing operand, a division by zero, the logarithm of 0 or less, a
    number beyond float32) is missing.
    """

    operation: Operation
    of: list[str]
    separator: str = _SEPARATOR

    def check_result(self, owner: str, kind: Kind, dtype: DType) -> None:
        """Raise ContractError if `owner` can't have the result, or the number of operands is wrong."""
        operation = self.operation
        if not isinstance(operation, Operation):
            raise ContractError(
                f"{owner} is derived by {operation!r}: give one of {', '.join(map(str, Operation))}"
            )
        least, most = _OPERANDS.get(operation, (1, 1))
        if not least <= len(self.of) <= most or not all(isinstance(name, str) for name in self.of):
            wanted = str(least) if least == most else f"{least} to {most}"
            raise ContractError(f"{owner}: {operation} is of {wanted} fields by name, not {self.of}")
        if self.separator != _SEPARATOR and operation is not Operation.CONCATENATE:
            raise ContractError(f"{owner}: {operation} has no separator: remove it")
        wanted_dtype, wanted_kind = DType.FLOAT, Kind.NUMERIC
        if operation is Operation.CONCATENATE:
            wanted_dtype, wanted_kind = DType.STR, Kind.CATEGORICAL
        elif operation in _PARTS:
            wanted_dtype, wanted_kind = DType.INT, kind
        if (dtype, kind) != (wanted_dtype, wanted_kind):
            raise ContractError(
                f"{owner}: {operation} makes {wanted_kind} values of dtype {wanted_dtype}: declare it so"
            )

    def check_operands(self, owner: str, dtypes: Mapping[str, DType]) -> None:
        """Raise ContractError if the operation doesn't take operands of these types."""
        accepted = _NUMBERS
        if self.operation is Operation.CONCATENATE:
            accepted = _TEXTS
        elif self.operation in _PARTS or (
            self.operation is Operation.DIFFERENCE and DType.TIMESTAMP in dtypes.values()
        ):
            accepted = _TIMES
        if wrong := [name for name, dtype in dtypes.items() if dtype not in accepted]:
            raise ContractError(
                f"{owner}: {self.operation} takes {' or '.join(sorted(accepted))}, but {wrong[0]!r} is "
                f"{dtypes[wrong[0]]}"
            )


def concatenate(*of: str, separator: str = _SEPARATOR) -> Derived:
    """Join the texts of integer, text or boolean fields, such as 75_130 or true_a."""
    return Derived(operation=Operation.CONCATENATE, of=list(of), separator=separator)


def hour(of: str) -> Derived:
    """Take the hour of a timestamp in its zone, 0 to 23."""
    return Derived(operation=Operation.HOUR, of=[of])


def weekday(of: str) -> Derived:
    """Take the day of the week of a timestamp in its zone, 0 (Monday) to 6."""
    return Derived(operation=Operation.WEEKDAY, of=[of])


def day(of: str) -> Derived:
    """Take the day of the month of a timestamp in its zone, 1 to 31."""
    return Derived(operation=Operation.DAY, of=[of])


def month(of: str) -> Derived:
    """Take the month of a timestamp in its zone, 1 to 12."""
    return Derived(operation=Operation.MONTH, of=[of])


def difference(first: str, second: str) -> Derived:
    """Subtract the second number from the first; of two timestamps, in seconds."""
    return Derived(operation=Operation.DIFFERENCE, of=[first, second])


def ratio(first: str, second: str) -> Derived:
    """Divide the first number by the second; missing if the second is 0."""
    return Derived(operation=Operation.RATIO, of=[first, second])


def log(of: str) -> Derived:
    """Take the natural logarithm of a number; missing if it is 0 or less."""
    return Derived(operation=Operation.LOG, of=[of])

"""Target of a model: a number, or classes of which one may be positive."""

from contract import names
from contract.base import DType, Struct, Task

ContractError = names.ContractError
BINARY = 2

_MOST_DECIMALS = 15
_INT64 = 2**63


def check_values(owner: str, field: str, values: list[int | str], dtype: DType | None) -> None:
    """Raise ContractError unless `values` are distinct, of one type, and fit the columns of the lake."""
    kind = {DType.INT: int, DType.STR: str, None: type(values[0]) if values else int}[dtype]
    if not values:
        raise ContractError(f"{owner} has empty {field}: list the values, or leave {field} out")
    if kind not in {int, str} or (wrong := [value for value in values if type(value) is not kind]):
        shown = values[0] if kind not in {int, str} else wrong[0]
        expected = "integers or strings, of one type" if dtype is None else f"of dtype {dtype.value}"
        raise ContractError(f"{owner} has {shown!r} among its {field}: they must be {expected}")
    if beyond := [value for value in values if isinstance(value, int) and not -_INT64 <= value < _INT64]:
        raise ContractError(f"{owner} has {beyond[0]} among its {field}, beyond 64-bit integers: remove it")
    if len(set(values)) != len(values):
        twice = next(value for value in values if values.count(value) > 1)
        raise ContractError(f"{owner} has {twice!r} twice among its {field}: list it once")


class Target(Struct, frozen=True, kw_only=True):
    """Target of the model; `decimals` rounds a regression, `labels` lists the classes.

    Of two classes, `positive` is the one whose probability is monitored. Precision and recall count a
    record as positive from the probability `threshold` on, 0.5 if it is None.
    """

    name: str
    unit: str = ""
    decimals: int | None = None
    labels: list[int | str] | None = None
    positive: int | str | None = None
    threshold: float | None = None

    def __post_init__(self) -> None:
        """Raise ContractError if the declaration is inconsistent."""
        names.check_name("target", self.name)
        decimals = self.decimals
        if decimals is not None and (
            isinstance(decimals, bool) or not isinstance(decimals, int) or not 0 <= decimals <= _MOST_DECIMALS
        ):
            raise ContractError(
                f"target {self.name!r} has decimals {decimals!r}: give 0 to {_MOST_DECIMALS}, or leave it out"
            )
        if self.labels is not None:
            check_values(f"target {self.name!r}", "labels", self.labels, None)
            if len(self.labels) == 1:
                raise ContractError(
                    f"target {self.name!r} has the only label {self.labels[0]!r}: give two or more classes"
                )
        self._check_positive()

    def _check_positive(self) -> None:
        """Raise ContractError unless positive class and threshold fit two classes."""
        about = f"target {self.name!r} has"
        binary = self.labels is None or len(self.labels) == BINARY
        if not binary and (self.positive, self.threshold) != (None, None):
            raise ContractError(
                f"{about} {len(self.labels or [])} labels: remove positive and threshold, which need two"
            )
        if self.positive is not None and self.labels is not None and self.positive not in self.labels:
            raise ContractError(
                f"{about} positive {self.positive!r}, not one of its labels: name one of {self.labels}"
            )
        if self.threshold is not None and not 0 < self.threshold < 1:
            raise ContractError(
                f"{about} threshold {self.threshold!r}: give a probability between 0 and 1, or leave it out"
            )

    def check_task(self, task: Task) -> None:
        """Raise ContractError if the declaration doesn't fit the task."""
        if task is Task.REGRESSION and self.labels is not None:
            raise ContractError(f"target {self.name!r} has labels but the task is regression: remove them")
        if task is Task.REGRESSION and (self.positive, self.threshold) != (None, None):
            raise ContractError(
                f"target {self.name!r} has positive or threshold but the task is regression: remove them"
            )
        if task is Task.CLASSIFICATION and (field := self.name.lower()) in names.OF_CLASSES:
            raise ContractError(
                f"target {self.name!r} clashes with the {field} in a class's prediction: rename it"
            )

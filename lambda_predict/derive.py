"""Derive the features of decoded records."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec

from contract import times
from contract.derivation import derive
from contract.events import Rejection
from contract.schema import Contract, DType
from lambda_predict.explain import not_a_time, undefined


class Deriver:
    """Derives features for one contract."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._fields = [(attrgetter(f"f{i}"), field) for i, field in enumerate(contract.sent)]
        self._scored = msgspec.defstruct(
            "Scored",
            [(f"f{i}", Any) for i in range(len(contract.features))],
            rename={f"f{i}": name for i, name in enumerate(contract.feature_names)},
            gc=False,
        )

    def derived(self, sent: Sequence[Any]) -> list[Any]:
        """Return the struct of features for each struct of fields, or a rejection."""
        rejected: dict[int, Rejection] = {}
        columns: dict[str, list[Any]] = {}
        for get, field in self._fields:
            values = list(map(get, sent))
            if field.dtype is DType.TIMESTAMP:
                values = self._moments(field.name, values, rejected)
            columns[field.name] = values
        found = derive(self._contract.features, self._contract.inputs, columns)
        for feature in self._contract.features:
            if feature.derived is None or feature.nullable or None not in found[feature.name]:
                continue
            for n, value in enumerate(found[feature.name]):
                if value is None and n not in rejected:
                    of = {name: found[name][n] for name in feature.derived.of}
                    rejected[n] = undefined(self._contract.payload_field, feature, of)
        rows = map(self._scored, *(found[name] for name in self._contract.feature_names))
        return [rejected.get(n, row) for n, row in enumerate(rows)] if rejected else list(rows)

    def _moments(self, name: str, values: list[Any], rejected: dict[int, Rejection]) -> list[Any]:
        """Return the timestamps parsed; those that are none are None, with a rejection."""
        try:
            return [None if text is None else times.parse(text) for text in values]
        except ValueError:
            moments = []
        for n, text in enumerate(values):
            try:
                moments.append(None if text is None else times.parse(text))
            except ValueError as error:
                moments.append(None)
                rejected.setdefault(n, not_a_time(f"{self._contract.payload_field}.{name}", text, error))
        return moments

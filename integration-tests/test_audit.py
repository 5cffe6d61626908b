"""Audit of a range of real records."""

from typing import Any

from contract import layout
from local import traffic
from ops.audit import audit


def test_audit_counts_every_record_once(deployed: Any) -> None:
    start = traffic.now()
    frame, lines = deployed.records("normal", 300, seed=3)
    deployed.put([*lines, b"not json", b"{}"])
    ids = set(frame[deployed.contract.id_field].astype(str))
    reader, limit = deployed.lake(layout.PREDICTIONS), deployed.deadlines.landed
    traffic.wait_landed(reader, deployed.contract.id_field, ids, start, seconds=limit)
    end = traffic.now()

    def reconciled() -> Any:
        kinesis, s3, names = deployed.client("kinesis"), deployed.client("s3"), deployed.outputs
        found = audit(kinesis, s3, names["input_stream"], names["lake_bucket"], start, end)
        return None if found.missing else found

    found = traffic.wait_for("the rejected records", reconciled, seconds=limit)
    assert (found.received, found.scored, found.rejected, found.given_up) == (302, 300, 2, 0)

"""Table of removed grants and proofs of least privilege: `python -m tests.iam`.

Reads the record of an integration run. Exits with 1 if a role is allowed what no test and no reason needs,
or reaches another use case.
"""

import sys

from tests.iam import isolation, proof, record, removal
from tests.iam.reasons import reason

_NETWORK = """Not in the record: rights on network interfaces, by which Lambda connects functions in a VPC
(vpc_subnet_ids). Interfaces have no name of a use case; the functions' code is denied every one of these
rights: tests/iam/test_network.py proves it."""


def main() -> int:
    """Print the table and the proofs; return the exit code."""
    stored = record.read()
    grants = stored.grants()
    rows = list(removal.remove_each(grants, stored.calls))
    print(removal.table(rows))
    print("\nGrants: " + ", ".join(f"{count} {what}" for what, count in removal.summary(rows).items()))
    beyond = proof.surplus(grants, stored.calls)
    named = [one for one in beyond if reason(one.grant)]
    unnamed = [one for one in beyond if not reason(one.grant)]
    print(f"Z3: {len(grants) - len(beyond)} of {len(grants)} grants are within the recorded calls;")
    print(f"{len(named)} go beyond them for a reason in the table, {len(unnamed)} without one.")
    for one in unnamed:
        print(f"  {one.grant.role}: {one.grant.action} on {one.resource!r} {dict(one.keys) or ''}")
    reached = isolation.reached(grants, stored.resources, stored.use_case)
    print(f"Z3: {len(reached)} grants reach a resource of another use case, whatever its name.")
    for reach in reached:
        print(f"  {reach.grant.role}: {reach.grant.action} on {reach.resource!r} of {reach.use_case}")
    print(_NETWORK)
    return 1 if unnamed or reached or any(row.surplus for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())

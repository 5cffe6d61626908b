"""Compare our models of AWS with the recordings: `python -m tests.conformance [--distill]`.

Exits 1 on a difference that is not explained, and on a distilled fact that its recording does not
give. `--distill` writes the facts anew from the recordings.
"""

import json
import sys

from tests.conformance import explained, recordings, table


def main() -> int:
    """Print the tables; return the exit status."""
    source = recordings.folder()
    if "--distill" in sys.argv:
        if source is None:
            raise SystemExit("no recordings are at hand: set AWS_RECORDINGS to their folder")
        facts = (
            {**table.known(), **table.distilled(source)} if table.FACTS.exists() else table.distilled(source)
        )
        table.FACTS.write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
    known = table.known()
    stale = [
        name
        for name, facts in (table.distilled(source) if source else {}).items()
        if known.get(name) != facts
    ]
    rows = table.compare(known)
    print("\n".join(table.lines(rows)))
    if source:
        print("\nnot applicable:")
        print("\n".join(f"  {n}: {why}" for n in recordings.read(source) if (why := explained.reason(n))))
    else:
        print("\nThe recordings are not at hand (AWS_RECORDINGS): compared with the distilled facts.")
    unexplained = [row for row in rows if row.verdict == table.DIFFERENT]
    same = sum(row.verdict == table.SAME for row in rows)
    print(
        f"\n{len({r.recording for r in rows})} recordings, {len(rows)} facts: {same} the same, "
        f"{len(rows) - same - len(unexplained)} explained, {len(unexplained)} unexplained"
    )
    for name in stale:
        print(f"facts.json differs from the recording {name}: run python -m tests.conformance --distill")
    return 1 if unexplained or stale else 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m benchmarks.cost page|meter`: write docs/cost.md, or measure on the embedded AWS before."""

import argparse
import os
from pathlib import Path

from benchmarks.cost import measured, page, prices

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def main(arguments: list[str] | None = None) -> None:
    """Measure if asked to, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cost", description=__doc__)
    parser.add_argument("command", choices=["page", "meter"])
    if parser.parse_args(arguments).command == "meter":
        from benchmarks.cost import meter  # noqa: PLC0415  its packages take seconds to import

        if _DATA.is_dir():
            os.environ.setdefault("SCOREWATCH_DATA", str(_DATA))
        found = meter.run()
        measured.save(found)
        print(page.counted(found, prices.load()))
        print(f"\nMeasured figures are in {measured.FILE}.")
    page.FILE.write_text(page.text(measured.load(), prices.load()))
    print(f"Written to {page.FILE}. Next: git diff docs/cost.md shows the changes.")


if __name__ == "__main__":
    main()

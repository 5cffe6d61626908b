"""Try every model and write docs/model-kinds.md."""

from benchmarks.model_kinds import estimators, table, trial


def main() -> None:
    """Print each outcome as it is found, and write the document."""
    outcomes = []
    for kind in estimators.kinds():
        outcome = trial.run(kind)
        print(f"{outcome.verdict}: {kind.group}, {kind.name}", flush=True)
        outcomes.append(outcome)
    table.DOCUMENT.write_text(table.written(table.DOCUMENT.read_text(), outcomes))
    accepted = sum(not outcome.refused for outcome in outcomes)
    print(f"{accepted} of {len(outcomes)} accepted; written to docs/model-kinds.md.")
    print("Next: git diff docs/model-kinds.md shows the changes.")


if __name__ == "__main__":
    main()

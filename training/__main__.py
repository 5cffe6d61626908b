"""`python -m training`: train, and what comes after."""

from training.cli import main

if __name__ == "__main__":
    raise SystemExit(main())

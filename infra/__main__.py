"""`python -m infra COMMAND`: check the Terraform root, or run it against the AWS of the environment."""

import argparse
import sys
from collections.abc import Callable

from infra import checks
from infra.terraform import TerraformError

_CHECKS: dict[str, tuple[Callable[[], None], str]] = {
    "fmt": (checks.fmt, "check the format of the Terraform files"),
    "validate": (checks.validate, "check that the configuration is valid"),
    "test": (checks.test, "run terraform test with a mocked provider"),
    "checkov": (checks.checkov, "run checkov"),
    "lint": (checks.lint, "fmt, validate and checkov"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (run, text) in _CHECKS.items():
        commands.add_parser(name, help=text).set_defaults(run=lambda _, run=run: run())
    options = parser.parse_args(arguments)
    try:
        options.run(options)
    except TerraformError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

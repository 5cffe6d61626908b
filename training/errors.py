"""Errors a user can fix, and exceptions of a use case's own code."""

import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PACKAGE = Path(__file__).parent
_OURS = [path for path in PACKAGE.rglob("*.py") if path.parent.name != "use_cases"]
_LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib"))
_SHOWN = 300


class UserError(Exception):
    """An error the user can fix; its message names the problem and the fix."""


class UseCaseError(UserError, ValueError):
    """A use case can't be found, contradicts itself, or its code raises."""


@contextmanager
def user_code(what: str, fix: str = "correct the file") -> Iterator[None]:
    """Report an exception of the user's code as UseCaseError, with file and line.

    `what` names the code, such as "prepare()"; errors a user can fix pass unchanged.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # the user's code may raise anything
        raise UseCaseError(f"{what} raised {describe(error)}{_line(error)}: {fix}") from error


def describe(error: BaseException) -> str:
    """Return an exception's type and the first line of its message."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0][:_SHOWN]}".removesuffix(": ")


def _line(error: Exception) -> str:
    """Return the last line of the traceback that is the user's, "" without one."""
    if isinstance(error, SyntaxError):
        return f" ({error.filename}, line {error.lineno})"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_users(frame.filename)]
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""


def _is_users(file: str) -> bool:
    return not file.startswith((*_LIBRARIES, "<")) and Path(file) not in _OURS

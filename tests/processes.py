"""Division of the integration tests between two processes, each with stacks of its own."""

from pathlib import Path

from xdist.scheduler import LoadScopeScheduling

from tests.iam.recorder import is_shared

FIRST, SECOND = "first", "second"
# Files beside those on the shared stack, so that both processes take about as long.
WITH_SHARED = {"test_demo"}


def process(file: Path) -> str:
    """Return the process that runs a file's tests.

    The first has every test on the shared stack: test_iam compares their calls. The second deploys the stack
    once more for the tests that need one, and builds all images: two builds at once would repeat their base.
    """
    return FIRST if is_shared(file) or file.stem in WITH_SHARED else SECOND


class Scheduling(LoadScopeScheduling):
    """Scheduling of pytest-xdist by `process`."""

    # `--dist loadgroup` of pytest-xdist 3.8 ignores its groups with pytest 9.2.
    def _split_scope(self, nodeid: str) -> str:
        return process(Path(nodeid.partition("::")[0]))

"""Next steps of a notification: sentences, commands to copy, sections of the runbook."""

import shlex
from collections.abc import Iterable

import msgspec

from lambda_monitor.untrusted import one_line

RUNBOOK = "docs/operations.md"


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Use case, environment and model version that the commands act on."""

    use_case: str
    version: str
    environment: str = ""

    @property
    def title(self) -> str:
        """The use case, and the environment if there is one."""
        return one_line(f"{self.use_case} ({self.environment})" if self.environment else self.use_case)

    @property
    def stack(self) -> str:
        """The arguments of make that select the stack."""
        own = f" ENVIRONMENT={shlex.quote(self.environment)}" if self.environment else ""
        return f"USE_CASE={shlex.quote(self.use_case)}{own}"

    @property
    def retrain(self) -> str:
        """The command that trains a challenger."""
        return f"make retrain {self.stack}"

    @property
    def rollback(self) -> str | None:
        """The command that serves the version before, None for the first one."""
        if not self.version.isdecimal() or int(self.version) <= 1:
            return None
        return f"make rollback {self.stack} VERSION={int(self.version) - 1}"

    @property
    def site(self) -> str:
        """The command that opens the report site."""
        return f"make report {self.stack}"


# Next step by the first part of a check's name.
_STEPS = {
    "service": "Look at the prediction function's log group and the stream's iterator age: records may be "
    "delayed or rejected. Rejected records are under rejected/ with the reason.",
    "quality": "Ask the sender what changed: new categories, missing fields, changed units or ranges.",
    "outliers": "Look at the unusual values in the report for a changed unit, a broken sensor or a new kind "
    "of record.",
    "drift": "The report shows which values became more or less frequent. If the change is real and "
    "lasting, train a new model; the command compares it with the live one:",
    "performance": "Compare the segments in the performance report. If the higher error persists, train a "
    "new model on labelled records, or go back to an earlier version:",
    "bias": "Compare the groups in the performance report: are the group's records or labels different, or "
    "is the model worse for it? If it lasts, train a new model on recent records of the group:",
    "labels": "Some files or lines of ground truth can't be read; the report names them.",
    "model": "Another model version made the predictions: deploy the version to be monitored, or wait for "
    "the rollout to end.",
    "monitor": "Invoke the function for the hours that were left out, as the check says.",
    "lake": "If stored objects can't be read, the report lists them: copy them aside, then repair or "
    "delete them; the next run reads the partition again. If records landed late, invoke the function for "
    "their window, as the check says.",
    "custom": "A check that you declared in checks.json failed: its sentence says what it measures. If its "
    "limit is wrong, change it without training:",
    "report": "The report has no plots: the monitor's log names the error.",
}
_NO_DATA = (
    "Check that the sender puts records: the input stream's IncomingRecords metric.",
    "Check the prediction function's errors and the delivery stream's delivery-errors/ prefix.",
)
_ERROR = "Read the monitor's log of this run; after the repair the next scheduled run checks the data again."


def topics(checks: Iterable[str]) -> list[str]:
    """Return the first parts of the names of `checks`, each once, in order."""
    return list(dict.fromkeys(name.split(".")[0] for name in checks))


def steps(checks: Iterable[str], target: Target, *, no_data: bool, error: bool) -> list[str]:
    """Return the numbered next steps for the failed `checks`, each command on a line of its own."""
    found = list(_NO_DATA) if no_data else ["Open the report."]
    for topic in topics(checks):
        if topic in _STEPS:
            found.append("\n".join([_STEPS[topic], *(f"       {c}" for c in _commands(topic, target))]))
    if error:
        found.append(_ERROR)
    return [f"  {number}. {step}" for number, step in enumerate(found, 1)]


def anchors(checks: Iterable[str]) -> list[str]:
    """Return the runbook's sections for the failed `checks`."""
    return [f"{RUNBOOK}#check-{topic}" for topic in topics(checks)] or [RUNBOOK]


def _commands(topic: str, target: Target) -> list[str]:
    if topic == "custom":
        return [f"make checks {target.stack} CHECKS=checks.json"]
    if topic in {"drift", "bias"}:
        return [target.retrain]
    if topic == "performance":
        return [target.retrain, *([target.rollback] if target.rollback else [])]
    return []

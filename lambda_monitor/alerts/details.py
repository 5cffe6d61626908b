"""Payload of a notification, from the findings of a window."""

from datetime import datetime
from typing import TYPE_CHECKING

from contract.schema import Contract
from lambda_monitor.alerts import advice, links, severity, titles
from lambda_monitor.alerts.payload import FailedCheck, Kind, Payload, failed_check
from lambda_monitor.alerts.state import State, concern
from lambda_monitor.findings import LISTED, CheckResult, Status
from lambda_monitor.untrusted import one_line

if TYPE_CHECKING:
    from lambda_monitor.alerts.messages import Context

_SENTENCE, _REASON, _STEP, _TITLE, _COLUMNS = 600, 2000, 600, 300, 5


def describe(context: "Context", kind: Kind, before: State, alert_id: str) -> Payload:
    """Return the payload of the message of that `kind`; `before` is the state that it changes."""
    resolved = kind is Kind.RESOLVED
    failing = [] if resolved else titles.worst_first(context.failing)
    names = [check.name for check in failing]
    where = links.place(context.topic_arn)
    steps = advice.steps(names, context.target, no_data=kind is Kind.NO_DATA, error=kind is Kind.ERROR)
    return Payload(
        alert_id=alert_id,
        kind=kind,
        state="resolved" if resolved else "open",
        severity=severity.worst([severity.of_window(kind, failing), before.severity]),
        meaning=_meaning(names, kind, before),
        use_case=one_line(context.use_case),
        environment=one_line(context.environment),
        model=one_line(context.model.name),
        model_version=one_line(context.model.version),
        account=where.account,
        region=where.region,
        window_start=context.start,
        window_end=context.end,
        since=_since(context, kind, before),
        records=context.records,
        failed=len(failing),
        made=sum(check.status != "skipped" for check in context.checks),
        concerns=sorted({_name(key) for key in _concerns(context, kind, before)}),
        checks=[_failed(check, context.contract) for check in failing[:LISTED]],
        reason=one_line(context.reason, _REASON),
        next_steps=[] if resolved else [_step(step) for step in steps],
        report=links.s3_object(where, context.report),
        runbook=advice.anchors(names),
    )


def _failed(check: CheckResult, contract: Contract | None) -> FailedCheck:
    """Return a failed check with its columns, title and figures for people."""
    return failed_check(
        check,
        one_line(check.sentence, _SENTENCE),
        titles.columns(check, contract)[:_COLUMNS],
        title=one_line(titles.title(check, contract), _TITLE),
        figures=titles.figures(check, contract),
    )


def _meaning(failing: list[str], kind: Kind, before: State) -> str:
    """Return the gravest meaning since the alert started."""
    earlier = [*before.reported, *before.told, *concern(before.status)]
    return severity.gravest([*failing, *concern(kind), *map(_name, earlier)])


def _name(key: str) -> str:
    """Return the name of the check with that key."""
    return key.partition(":")[0]


def _step(step: str) -> str:
    """Return a numbered step of the mail as one line without its number."""
    return one_line(" ".join(step.split()).partition(". ")[2], _STEP)


def _concerns(context: "Context", kind: Kind, before: State) -> list[str]:
    """Return the keys of the checks that the message is about; without a verdict, the status."""
    if kind is Kind.RESOLVED:
        return [*before.reported, *before.told, *concern(before.status)]
    failing = [check.key for check in context.failing]
    if kind is Kind.REMINDER:
        return [*failing, *(before.open or []), *concern(before.status)]
    return [*failing, *concern(kind)]


def _since(context: "Context", kind: Kind, before: State) -> datetime:
    lasting = kind in {Kind.RESOLVED, Kind.REMINDER} or before.status.value == kind.value
    return before.since if lasting and before.status is not Status.OK and not before.damaged else context.end

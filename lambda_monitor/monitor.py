"""One monitoring run: read a window, check it, notify, render the report."""

import time
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from contract import layout
from contract.bundle import BundleError
from contract.layout import HOUR
from contract.schema import Contract, ContractError, ModelRef
from contract.timestamps import timestamp
from contract.version import VERSION
from lambda_monitor import model
from lambda_monitor.alerts import links, messages, metrics, outbox, severity
from lambda_monitor.alerts.messages import Context
from lambda_monitor.alerts.state import Message, Store, Verdict
from lambda_monitor.check_config import CheckConfigError
from lambda_monitor.checks import custom, evidence, gaps, late, service, verdict
from lambda_monitor.findings import REPORT_HTML, REPORT_JSON, RUN_JSON, CheckResult, Findings, Status
from lambda_monitor.hours import athena, labelled, window
from lambda_monitor.hours.athena import AthenaError
from lambda_monitor.hours.labelled import Truth
from lambda_monitor.hours.ledger import DamagedError
from lambda_monitor.hours.rebuild import rebuilding
from lambda_monitor.hours.store import AthenaPath, HourStore
from lambda_monitor.hours.update import LedgerUpdater
from lambda_monitor.hours.window import Window
from lambda_monitor.lake import cache, labels, rejections
from lambda_monitor.lake.cache import S3Cache
from lambda_monitor.lake.partitions import landing
from lambda_monitor.model import Model
from lambda_monitor.reports import index, plain_page
from lambda_monitor.run import Clients, Run, Span
from lambda_monitor.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STATE = "state.json"
# Share of the run's time for Athena queries; checks, notification and rendering need the rest.
_QUERY_SHARE = 0.7


def run(clients: Clients, settings: Settings, span: Span, run: Run) -> dict[str, Any]:
    """Monitor `span` and return the summary; a failure that prevents a verdict has status error."""
    try:
        watched = _load(clients.s3, settings)
    except (BundleError, ContractError, CheckConfigError) as error:
        ref = ModelRef(name=settings.model_name, version=settings.model_version, run_id="")
        findings, contract = Findings(status=Status.ERROR, records=0, checks=[], reason=str(error)), None
    else:
        ref, contract = watched.contract.model, watched.contract
        findings = _findings(clients, settings, watched, span, run)
    report = _write(clients.s3, settings, ref, span, findings, run)
    bad = findings.status in {Status.ALERT, Status.ERROR}
    # Alerts go out before rendering, which may time out; other notifications wait for its result.
    about = _about(clients, settings, ref, contract, span, report, run)
    sent = _notify(clients, settings, about, span, findings, run) if bad else []
    if findings.pictures:
        findings = verdict.drawn(findings)
        _write(clients.s3, settings, ref, span, findings, run)
    if not bad:
        sent = _notify(clients, settings, about, span, findings, run)
    index.update(clients.s3, settings.lake_bucket)
    for line in _metrics(settings, about, span, findings, sent, run):
        print(line)  # noqa: T201  # EMF is printed
    return {
        "status": findings.status,
        "window": {"start": timestamp(span.start), "end": timestamp(span.end)},
        "records": findings.records,
        "report": report,
        "reason": findings.reason,
        "checks": msgspec.to_builtins(findings.checks),
        "notified": bool(sent),
    }


def _findings(clients: Clients, settings: Settings, watched: Model, span: Span, run: Run) -> Findings:
    try:
        return _evaluate(clients, settings, watched, span, run)
    except (AthenaError, DamagedError) as error:
        return Findings(status=Status.ERROR, records=0, checks=[], reason=str(error))


def _evaluate(clients: Clients, settings: Settings, watched: Model, span: Span, run: Run) -> Findings:
    """Read the window by its hour ledgers and return its findings."""
    s3, bucket, prefix = clients.s3, settings.lake_bucket, watched.cache_prefix
    kept = S3Cache(s3, bucket, prefix)
    store = HourStore(kept, _athena_path(clients, settings, watched, run))
    reader = labels.Reader(s3, bucket, watched.contract, kept)
    delay = timedelta(days=settings.label_delay_days)
    with cache.lease(s3, bucket, prefix, run) as lease:
        updater = LedgerUpdater(
            s3, bucket, watched.contract, watched.profiler, store=store, may_write=lease.take
        )
        found, known, results = rebuilding(
            updater, lambda: read_lake(watched, updater, reader, span, delay=delay, now=run.now)
        )
        late_records = None if span.asked else _late(s3, bucket, watched, updater, span)
        earlier = None if span.asked else evidence.read(s3, bucket, watched, updater, span.start, span.end)
        refused = rejections.read(s3, bucket, span.start, span.end, cache=kept, may_write=lease.take)
    results += service.check_service(
        clients.cloudwatch,
        service.Sources(function=settings.predict_function, stream=settings.input_stream),
        span.start,
        span.end,
        # Distinct records: a copy does not make up for a lost one.
        accounted=found.records + sum(found.others.values()) + refused.count,
        settled=run.now - span.end >= service.SETTLED,
    )
    if late_records is not None:
        results.append(late_records)
    if not span.asked:
        results.append(gaps.check_gap(s3, bucket, settings.model_name, span.start, span.end))
    data = verdict.Evidence(
        window=found, rejections=refused, truth=known, results=results, now=run.now, scheduled=earlier
    )
    return verdict.evaluate(watched, data)


def read_lake(
    watched: Model,
    updater: LedgerUpdater,
    reader: labels.Reader,
    span: Span,
    *,
    delay: timedelta,
    now: datetime,
) -> tuple[Window, Truth, list[CheckResult]]:
    """Return the window, its ground truth, or that of the newest window with labels, and custom checks."""
    updated = updater.update(landing(span.start, span.end))
    found = window.read(updater.store, updated, watched.contract, watched.profiler, span.start, span.end)
    known = labelled.newest(watched, updater.store, reader, found, delay=delay, now=now)
    return found, known, custom.check_custom(watched, updater.store, found)


def _late(s3: "S3Client", bucket: str, watched: Model, updater: LedgerUpdater, span: Span) -> CheckResult:
    """Return the check of late records; what can't be read of earlier windows doesn't prevent a verdict."""
    ref = watched.contract.model
    try:
        return rebuilding(updater, lambda: late.check_late(s3, bucket, ref, updater, span.start, span.end))
    except (AthenaError, DamagedError) as error:
        return late.unreadable(error)


def _athena_path(clients: Clients, settings: Settings, watched: Model, run: Run) -> AthenaPath | None:
    """Return the Athena path for large windows, None if it is switched off."""
    if not settings.athena_min_bytes or not settings.athena_workgroup:
        return None
    # `run.now` was read at the start of the run: the time left is counted from here.
    started = time.monotonic()
    most = (run.deadline - run.now).total_seconds() * _QUERY_SHARE
    runner = athena.Runner(
        clients.athena,
        settings.athena_workgroup,
        settings.glue_database,
        lambda: most - (time.monotonic() - started),
    )
    counter = athena.AthenaCounter(
        runner, settings.predictions_table, watched.contract, watched.profile_spec, settings.id_column
    )
    return AthenaPath(counter=counter, min_bytes=settings.athena_min_bytes)


@lru_cache(maxsize=4)
def _cached(s3: "S3Client", bucket: str, name: str, version: str) -> Model:
    return model.load(s3, bucket, name, version)


def _load(s3: "S3Client", settings: Settings) -> Model:
    """Return the bundle, cached since a version never changes, with the checks in force now."""
    bucket = settings.artifact_bucket
    return model.configured(_cached(s3, bucket, settings.model_name, settings.model_version), s3, bucket)


def _write(
    s3: "S3Client", settings: Settings, ref: ModelRef, span: Span, findings: Findings, run: Run
) -> str:
    """Write the report's files and return the URI of its page.

    `report.json` holds nothing of the run itself, so the same window gives the same bytes.
    """
    bucket, prefix = settings.lake_bucket, layout.report_prefix(settings.model_name, span.start, span.end)
    result = {
        "schema_version": 1,
        "model": ref,
        "window": {"start": timestamp(span.start), "end": timestamp(span.end)},
        "status": findings.status,
        "reason": findings.reason,
        "records": findings.records,
        "counts": findings.counts,
        "configuration": findings.configuration,
        "checks": findings.checks,
    }
    run_facts = {
        "request_id": run.id,
        "ran_at": timestamp(run.now),
        "status": findings.status,
        "scorewatch": VERSION,
    }
    files = {
        **findings.files,
        **plain_page.pages(ref, span.start, span.end, findings),
        REPORT_JSON: messages.as_json(result),
        RUN_JSON: messages.as_json(run_facts),
    }
    for name, data in files.items():
        kind = "text/html; charset=utf-8" if name.endswith(".html") else "application/json"
        s3.put_object(Bucket=bucket, Key=prefix + name, Body=data, ContentType=kind)
    return f"s3://{bucket}/{prefix}{REPORT_HTML}"


def _about(
    clients: Clients,
    settings: Settings,
    ref: ModelRef,
    contract: Contract | None,
    span: Span,
    report: str,
    run: Run,
) -> Context:
    """Return what every message on the window names; its findings are added later."""
    lasting = HOUR * settings.report_link_hours
    return Context(
        model=ref,
        contract=contract,
        use_case=settings.use_case,
        environment=settings.environment,
        topic_arn=settings.alert_topic_arn,
        start=span.start,
        end=span.end,
        report=report,
        link=links.presigned(clients.s3, report, run.now, lasting) if lasting else None,
    )


def _notify(
    clients: Clients, settings: Settings, about: Context, span: Span, findings: Findings, run: Run
) -> list[Message]:
    """Update the alert state and send what is due."""
    context = msgspec.structs.replace(
        about, records=findings.records, checks=findings.checks, reason=findings.reason
    )
    outcome = Verdict(
        status=findings.status,
        window_end=span.end,
        failing=sorted(check.key for check in context.failing),
        severity=severity.of_window(findings.status, context.failing),
        passed=sorted(check.key for check in findings.checks if check.status == "ok"),
        skipped=sorted(check.key for check in findings.checks if check.status == "skipped"),
        complete=findings.records > 0,
    )
    return outbox.update(
        _store(clients.s3, settings, span),
        outcome,
        run,
        HOUR * settings.reminder_hours,
        compose=lambda kind, before: messages.compose(context, kind, before),
        publish=lambda message: messages.publish(clients.sns, settings.alert_topic_arn, message),
    )


def _store(s3: "S3Client", settings: Settings, span: Span) -> Store:
    """Return the model's state, or that of a window requested by hand, which has its own.

    Such a window neither changes the current alert nor goes without a notification.
    """
    name = f"{layout.window_name(span.start, span.end)}.json" if span.asked else STATE
    return Store(s3, settings.lake_bucket, f"{layout.ALERTS}/{settings.model_name}/{name}")


def _metrics(
    settings: Settings, about: Context, span: Span, findings: Findings, sent: list[Message], run: Run
) -> list[str]:
    """Return the log lines with the run's metrics; those per check are of scheduled windows only."""
    return metrics.lines(
        settings.use_case,
        about.model,
        run.now,
        metrics.values(findings, len(sent)),
        findings.checks,
        [] if span.asked else metrics.series(findings.checks, about.contract, settings.metric_limit),
        [message.subject for message in sent],
        settings.metrics_namespace,
    )

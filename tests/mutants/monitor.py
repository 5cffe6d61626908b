"""Mutations of the monitor and of the calibration of its thresholds."""

from tests.mutants.mutation import Mutation, Table

_TESTS = "tests/lambda_monitor"
_COLUMNS = "lambda_monitor/checks/columns.py"
_DISTANCES = "lambda_monitor/profiles/distances.py"
_GAPS = "lambda_monitor/checks/gaps.py"
_LABELLED = "lambda_monitor/hours/labelled.py"
_LABELS = "lambda_monitor/lake/labels.py"
_MESSAGES = "lambda_monitor/alerts/messages.py"
_MONITOR = "lambda_monitor/monitor.py"
_PARTITIONS = "lambda_monitor/lake/partitions.py"
_OUTBOX = "lambda_monitor/alerts/outbox.py"
_STATE = "lambda_monitor/alerts/state.py"
_STORE = "lambda_monitor/hours/store.py"
_UPDATE = "lambda_monitor/hours/update.py"
_VERDICT = "lambda_monitor/checks/verdict.py"

_OF_CHECKS = tuple(
    f"{_TESTS}/checks/test_{name}.py" for name in ("verdict", "gaps", "column_quality", "delivery")
)
_OF_HOURS = (f"{_TESTS}/hours/test_copies.py", f"{_TESTS}/hours/test_store.py")
_OF_ISOLATION = (f"{_TESTS}/hours/test_isolation.py",)
_OF_LABELS = (f"{_TESTS}/lake/test_label_order.py",)
_OF_STATE = tuple(f"{_TESTS}/alerts/test_{name}.py" for name in ("reminders", "messages", "state"))
_OF_RUNS = (f"{_TESTS}/runs",)

_CHECKS = [
    Mutation(
        "narrowing never alerts",
        _DISTANCES,
        "abs(float(np.log(max(ratio, 1e-6))))",
        "float(np.log(max(ratio, 1e-6)))",
        tests=_OF_CHECKS,
    ),
    Mutation(
        "no Bonferroni correction",
        "training/calibration/thresholds.py",
        "rate = false_alarm_rate / max(len(many) + len(levels), 1)",
        "rate = false_alarm_rate",
        tests=("tests/training/test_calibration.py",),
    ),
    Mutation(
        "constant columns never alert",
        _COLUMNS,
        "limit = 0.0 if varied else 1.0",
        "limit = 1.0",
        tests=_OF_CHECKS,
    ),
    Mutation(
        "unknown categories of the reference taken as none",
        _COLUMNS,
        "expected = before.unknown / max(before.count, 1)",
        "expected = 0.0",
        tests=_OF_CHECKS,
    ),
    Mutation(
        "unknown categories of the window taken as none",
        _COLUMNS,
        '"quality.categories", name, column.unknown, column.count',
        '"quality.categories", name, 0, column.count',
        tests=_OF_CHECKS,
    ),
    Mutation(
        "disabled delivery checks reported",
        _VERDICT,
        "for result in made if config.wants(result.name, result.columns)]",
        "for result in made]",
        tests=_OF_CHECKS,
    ),
    Mutation(
        "disabled column checks reported",
        _COLUMNS,
        "config), *scored]\n    return [result for result in results if config.wants("
        "result.name, result.columns)]",
        "config), *scored]\n    return results",
        tests=_OF_CHECKS,
    ),
    Mutation(
        "limits of segments by the rows of the reference",
        "lambda_monitor/checks/drift.py",
        "most.at(now, before, config.seasonality, at)",
        "most.at(before, before, config.seasonality, at)",
        tests=_OF_CHECKS,
    ),
    Mutation(
        "no records hide unreadable objects",
        _VERDICT,
        'return Status.ERROR if "error" in statuses else Status.NO_DATA',
        "return Status.NO_DATA",
        tests=_OF_CHECKS,
    ),
    Mutation(
        "lost records never alert",
        "lambda_monitor/checks/service.py",
        'share = max(1 - accounted / found["incoming"], 0.0)',
        "share = 0.0",
        tests=_OF_RUNS,
    ),
    Mutation(
        "oldest gap instead of the newest",
        _GAPS,
        "last = max(before)",
        "last = min(before)",
        tests=_OF_CHECKS,
    ),
]

_HOURS = [
    Mutation(
        "copies that land three hours later counted twice",
        _UPDATE,
        "layout.hours_between(hour - LANDS_BEFORE, hour + LANDS_AFTER + HOUR)",
        "layout.hours_between(hour - LANDS_BEFORE, hour + LANDS_AFTER)",
        tests=_OF_HOURS,
    ),
    Mutation(
        "ledgers not read again under the lease", _STORE, "self._ledgers.clear()", "pass", tests=_OF_HOURS
    ),
    Mutation(
        "unreachable objects kept as read",
        _UPDATE,
        "again = {u.key for u in self._unreachable}",
        "again: set[str] = set()",
        tests=_OF_HOURS,
    ),
    Mutation(
        "partition not read again without its deleted unreadable object",
        _UPDATE,
        "repaired = bool(deleted) and ledger.objects.keys() - deleted <= present",
        "repaired = False",
        tests=_OF_ISOLATION,
    ),
    Mutation(
        "changed objects not read again",
        _UPDATE,
        "changed = any(ledger.objects.get(o.key, o.etag) != o.etag for o in listed)",
        "changed = False",
        tests=_OF_HOURS,
    ),
    Mutation(
        "Athena counts without the neighbouring partitions",
        _PARTITIONS,
        "reach = LANDS_AFTER + LANDS_BEFORE",
        "reach = timedelta()",
        tests=_OF_HOURS,
    ),
    Mutation(
        "neighbours of what Athena counted read directly",
        _UPDATE,
        "return shared or sum(",
        "return sum(",
        tests=_OF_HOURS,
    ),
    Mutation(
        "the end of a window included",
        _PARTITIONS,
        "pc.less(arrived, end)",
        "pc.less_equal(arrived, end)",
        tests=_OF_HOURS,
    ),
    Mutation(
        "strayed records not counted",
        _UPDATE,
        "strayed += len(seen.drop(own))",
        "strayed += 0",
        tests=_OF_HOURS,
    ),
    Mutation(
        "the lease of another run ignored",
        "lambda_monitor/lake/cache.py",
        "held.holder != self._run.id and held.until > self._run.now",
        "held.holder != self._run.id and held.until < self._run.now",
        tests=_OF_HOURS,
    ),
]

_GROUND_TRUTH = [
    Mutation(
        "labels not ordered by arrival",
        _LABELS,
        "sorted(groups, key=lambda entry: entry[0])",
        "groups",
        tests=_OF_LABELS,
    ),
    Mutation(
        "labels of an unreachable object kept as read",
        _LABELS,
        "if all(u.lasting for u in group.unreadable):",
        "if True:",
        tests=_OF_LABELS,
    ),
    Mutation(
        "every window counted as labelled",
        _LABELLED,
        "return len(self.rows) / self.records if self.records else 0.0",
        "return 1.0",
        tests=_OF_LABELS,
    ),
    Mutation(
        "a window with few labels chosen",
        _LABELLED,
        "if _coverage(store, parts, labels) >= ENOUGH",
        "if _coverage(store, parts, labels) > 0",
        tests=_OF_LABELS,
    ),
]

_ALERTS = [
    Mutation(
        "errors left out of the failing checks",
        _MESSAGES,
        'if c.status in {"alert", "error"}]',
        'if c.status in {"alert"}]',
        tests=_OF_STATE,
    ),
    Mutation(
        "`told` not reset at a reminder",
        _STATE,
        "return _notified(state, still_open, now), due",
        "return _notified(state, state.told, now), due",
        tests=_OF_STATE,
    ),
    Mutation(
        "an older window changes the state",
        _STATE,
        "if verdict.window_end < state.window_end <= now:",
        "if False:",
        tests=_OF_STATE,
    ),
    Mutation(
        "a message claimed by another run sent",
        _OUTBOX,
        "return pending.claimed_by == run.id or pending.claimed_until <= run.now",
        "return True",
        tests=_OF_STATE,
    ),
    Mutation(
        "sent messages kept in the outbox",
        _OUTBOX,
        "if p.message.alert_id not in done",
        "if True",
        tests=_OF_STATE,
    ),
    Mutation(
        "no message for a newly failing check",
        _STATE,
        "if set(verdict.failing) - set(state.told) and state.last_sent_at is not None:",
        "if False:",
        tests=_OF_STATE,
    ),
    Mutation(
        "a window in the future mutes later ones",
        _STATE,
        "if verdict.window_end < state.window_end <= now:",
        "if verdict.window_end < state.window_end:",
        tests=_OF_RUNS,
    ),
    Mutation(
        "a window asked by hand changes the alert",
        _MONITOR,
        "if span.asked else STATE",
        "if False else STATE",
        tests=_OF_RUNS,
    ),
    Mutation(
        "events of other versions counted as lost",
        _MONITOR,
        " + sum(found.others.values())",
        "",
        tests=_OF_RUNS,
    ),
]

_MUTATIONS = [*_CHECKS, *_HOURS, *_GROUND_TRUTH, *_ALERTS]

TABLE = Table(
    tests=sorted({path for mutation in _MUTATIONS for path in mutation.tests}), mutations=_MUTATIONS
)

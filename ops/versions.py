"""Release a version of the prediction function by a canary; return to an earlier one; print the state.

An apply publishes a new version, which receives no record: records go where the alias points, and only
this module moves it. Image and model are two settings of a version, so that both are released and
returned in the same way.
"""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from contract.release import Returned
from contract.session import session
from ops import canary
from ops.alias import Alias, State
from ops.canary import Limits, Metrics, Outcome, Plan
from ops.deployment import DeploymentError

if TYPE_CHECKING:
    from ops.terraform import Terraform

# Variables of what is live. A change reaches the stream function as a candidate, everything else after it.
_LIVE = ("predict_image", "model_version", "monitor_image", "id_column")
_CANDIDATE = {"predict_image": "candidate_image", "model_version": "candidate_model_version"}
# The function's answer may take its timeout; a second request would only repeat it.
PATIENT = Config(read_timeout=900, retries={"mode": "standard", "total_max_attempts": 5})


class ReturnedError(DeploymentError):
    """A released version was returned; the message has the reason."""


def alias_of(known: Mapping[str, Any], use_case: str) -> Alias:
    """Return the alias of a deployed stack. Raises DeploymentError if it has none."""
    if not (found := known.get("release")):
        raise DeploymentError(f"{use_case} has no versions yet: run make deploy USE_CASE={use_case}")
    return Alias(session().client("lambda", config=PATIENT), found["function"], found["alias"])


def roll(
    root: "Terraform",
    wanted: Mapping[str, Any],
    known: Mapping[str, Any],
    plan: Plan,
    *,
    remember: bool = True,
) -> None:
    """Apply `wanted`: the stream function's part as a new version, the rest if its canary passes.

    `known` are the outputs before. With `remember` a rollback returns to the version that is live now. An
    earlier release that was interrupted is taken back first. Raises ReturnedError after everything is as
    before, DeploymentError, TerraformError.
    """
    alias = alias_of(known, str(wanted["use_case"]))
    take_back(alias)
    before = {name: known[name] for name in _LIVE if name in wanted and known.get(name)}
    changed = {new: wanted[name] for name, new in _CANDIDATE.items() if wanted.get(name) != before.get(name)}
    staged = {**wanted, **before, **changed}
    root.apply(staged)
    state, newest = alias.read(), alias.newest()
    if _same(alias, newest, state.version):
        _report(f"Version {state.version} is live already, with this image, model and settings")
    elif failure := _go_live(alias, state, newest, known["release"], plan, remember=remember):
        _report("Everything else as before")
        root.apply({**wanted, **before})
        raise ReturnedError(
            f"version {newest} was returned: {failure}. Version {state.version} scores every record, also "
            f"those of failed batches; see the log of {alias.function} for the cause"
        )
    if staged != wanted:
        _report("Everything else")
        root.apply(wanted)


def take_back(alias: Alias) -> bool:
    """Send every batch to the live version if a release was interrupted; return whether it was."""
    state = alias.read()
    if state.candidate is None and state.returned is None:
        return False
    alias.clear()
    if state.returned:
        _report(f"An interrupted release had been taken back: {_returned(state.returned)}")
    else:
        _report(
            f"An interrupted release was taken back: version {state.candidate} had {state.weight:.0%} of the "
            f"batches, version {state.version} has all again"
        )
    return True


def _returned(returned: Returned) -> str:
    return (
        f"AWS returned version {returned.version} at {returned.at:%Y-%m-%d %H:%M} UTC, since its release did "
        "not watch it any more"
    )


def _same(alias: Alias, version: str, other: str) -> bool:
    return version == other or alias.content(version) == alias.content(other)


def _go_live(
    alias: Alias, state: State, new: str, release: Mapping[str, Any], plan: Plan, *, remember: bool
) -> str | None:
    """Make a new version live; return why it must not be, None if it starts and its canary passes."""
    content = alias.content(new)
    _report(f"Version {new}: model {content.model_version}, image {content.image}")
    if failure := alias.start_failure(new):
        return failure
    if plan.minutes:
        outcome = _canary(alias, state, new, release, plan)
        if outcome.failure:
            return outcome.failure
        batches = f"{outcome.candidate.invocations:.0f} batches, {outcome.candidate.records:.0f} records"
        print(f"  passed: {batches}" if outcome.candidate.invocations else "  it starts; no batch arrived")
    earlier = (state.version, *state.earlier) if remember else state.earlier
    return None if alias.point(new, earlier, watched=bool(plan.minutes)) else canary.LOST


def _canary(alias: Alias, state: State, new: str, release: Mapping[str, Any], plan: Plan) -> Outcome:
    print(f"  {plan.percent:g}% of the batches for {plan.minutes:g} minutes", flush=True)
    limits = Limits(release["rejected_percent"], release["late_percent"], release["min_records"])
    metrics = Metrics(session().client("cloudwatch"), release)
    passed = False
    try:
        alias.route(state, new, plan.percent / 100, plan.unwatched)
        keep = partial(alias.keep, new, plan.unwatched)
        outcome = canary.watch(metrics, limits, state.version, new, plan, keep)
        passed = outcome.failure is None
    finally:
        # Ctrl-C and errors of this process, too; the guard in AWS does it minutes later.
        if not passed:
            alias.clear(new)
    return outcome


def back(root: "Terraform", base: Mapping[str, Any], known: Mapping[str, Any]) -> tuple[str, str]:
    """Return to the version that was live before, at once; return both model versions, old and new.

    `base` are the variables of the last apply. An interrupted release is only taken back, an interrupted
    rollback finished. Raises DeploymentError if there is no earlier version, TerraformError.
    """
    alias = alias_of(known, str(base["use_case"]))
    interrupted = take_back(alias)
    state = alias.read()
    target, earlier = state.version, state.earlier
    if not (interrupted or state.returning):
        if not earlier:
            raise DeploymentError(
                f"no version was live before {target}: name a model version, make rollback VERSION=..."
            )
        target, earlier = earlier[0], earlier[1:]
        _report(f"From version {state.version} to {target}")
        if failure := alias.start_failure(target):  # its image may be gone from the repository
            raise DeploymentError(f"version {target} was not made live: {failure}")
    alias.point(target, earlier, returning=True)
    served = alias.content(target)
    live = {"predict_image": served.image} if "predict_image" in base else {}
    _report("Everything else")
    root.apply({**base, **live, "model_version": served.model_version})
    alias.point(target, earlier)
    return str(known["model_version"]), served.model_version


def is_unfinished(known: Mapping[str, Any], use_case: str) -> bool:
    """Return whether the alias serves something else than the outputs say, or a release is under way."""
    if not known.get("release"):
        return False
    alias = alias_of(known, use_case)
    state = alias.read()
    served = alias.content(state.version).model_version
    unfinished = state.candidate is not None or state.returning or state.returned is not None
    return unfinished or served != known["model_version"]


def status(known: Mapping[str, Any], use_case: str) -> str:
    """Return what is live and what an interrupted command left. Raises DeploymentError."""
    alias = alias_of(known, use_case)
    state = alias.read()
    live = alias.content(state.version)
    lines = [
        f"{use_case} in {known['region']}",
        f"  live       version {state.version}: model {live.model_version}, image {live.image}",
        f"  before it  {', '.join(state.earlier) or 'nothing'}",
    ]
    if state.candidate:
        new = alias.content(state.candidate)
        share = f"{state.weight:.0%} of the batches, model {new.model_version}, image {new.image}"
        lines += [f"  candidate  version {state.candidate}: {share}", *_watched(state)]
    elif state.returned:
        lines.append(f"{_returned(state.returned)}. make release or make deploy starts anew.")
    elif state.returning:
        lines.append("A rollback was interrupted: make rollback finishes it.")
    elif live.model_version != known["model_version"]:
        lines.append(
            f"The monitor still expects model {known['model_version']}: a release was interrupted. make "
            "release or make deploy finishes it, make rollback returns."
        )
    if shadow := known.get("shadow"):
        lines.append(
            f"  shadow     model {shadow['model_version']} since {shadow['since']}: make shadow-compare"
        )
    return "\n".join(lines)


def _watched(state: State) -> list[str]:
    until = state.notes.watched_until or state.moment
    return [
        "A release is running, or was killed. If it does not watch the candidate any more, AWS returns it",
        f"after {until:%H:%M:%S} UTC. make rollback takes it back at once, make release or make deploy",
        "takes it back and starts anew.",
    ]


def _report(text: str) -> None:
    print(f"\n{text}", flush=True)

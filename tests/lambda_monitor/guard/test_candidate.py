"""One look of the guard at the alias: what is returned, and announced once."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contract.release import Notes, Returned
from lambda_monitor.guard.candidate import Alias, Done, look
from lambda_monitor.guard.message import Topic
from lambda_monitor.guard.settings import Settings
from lambda_monitor.notifier import notification
from tests.lambda_monitor.strict_sns import StrictSns
from tests.ops.release_world import ALIAS, FUNCTION, START, Killed, Lambda, World

TOPIC = "arn:aws:sns:eu-west-1:123456789012:scorewatch-dev--green-taxi-alerts"
SETTINGS = Settings(
    predict_function=FUNCTION,
    predict_alias=ALIAS,
    alert_topic_arn=TOPIC,
    use_case="green_taxi",
    environment="dev",
)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
UNTIL = START + 3 * MINUTE
WATCHED = Notes(earlier=("2", "1"), watched_until=UNTIL)


class Stack:
    """An alias that serves version 3 and, by default, sends 10% to version 4; and its topic."""

    def __init__(self, notes: Notes = WATCHED, **weights: float) -> None:
        self.world = World(versions={str(n): {} for n in range(1, 6)})
        self.world.alias = {"FunctionVersion": "3", "Description": notes.text(), "RevisionId": "0"}
        if weights:
            named = {name.removeprefix("v"): weight for name, weight in weights.items()}
            self.world.alias["RoutingConfig"] = {"AdditionalVersionWeights": named}
        self.sns = StrictSns()

    def look(self, now: Any = UNTIL + SECOND, client: Any = None) -> Done:
        alias = Alias(client or Lambda(self.world), FUNCTION, ALIAS)
        return look(alias, Topic(self.sns, SETTINGS), now)  # type: ignore[arg-type]  # a fake

    @property
    def candidate(self) -> bool:
        return "RoutingConfig" in self.world.alias

    @property
    def notes(self) -> Notes:
        return Notes.of(self.world.alias["Description"])

    @property
    def writes(self) -> int:
        return sum(name == "update_alias" for name, _ in self.world.calls)


class Between(Lambda):
    """A client; something else happens before its first write."""

    def __init__(self, world: World, happens: Callable[[], object]) -> None:
        super().__init__(world)
        self._happens: list[Callable[[], object]] = [happens]

    def update_alias(self, **arguments: Any) -> dict[str, Any]:
        if self._happens:
            self._happens.pop()()
        return super().update_alias(**arguments)


def test_without_a_candidate_one_call_is_made() -> None:
    stack = Stack(Notes(earlier=("2",)))
    assert stack.look() is Done.NO_CANDIDATE
    assert [name for name, _ in stack.world.calls] == ["get_alias"]
    assert stack.sns.published == []


@pytest.mark.parametrize("now", [START, UNTIL], ids=["at its start", "at the end of its watch"])
def test_a_watched_candidate_keeps_its_share(now: Any) -> None:
    stack = Stack(v4=0.1)
    assert stack.look(now) is Done.WATCHED
    assert (stack.candidate, stack.writes, stack.sns.published) == (True, 0, [])


@pytest.mark.parametrize("notes", [WATCHED, Notes()], ids=["watch is over", "weight was set by hand"])
def test_a_candidate_that_nobody_watches_is_returned_and_announced(notes: Notes) -> None:
    stack = Stack(notes, v4=0.1)
    assert stack.look() is Done.RETURNED
    assert (stack.candidate, stack.world.alias["FunctionVersion"]) == (False, "3")
    returned = Returned(version="4", percent=10.0, at=UNTIL + SECOND, announced=True)
    assert stack.notes == Notes(earlier=notes.earlier, returned=returned)
    [text] = stack.sns.delivered("email")
    assert f"Version 4 of {FUNCTION} received 10% of the batches" in text
    assert "Since 2026-03-02 12:03:31 UTC version 3 scores every record again" in text
    assert "make release USE_CASE=green_taxi ENVIRONMENT=dev" in text
    assert [stack.look(UNTIL + n * MINUTE) for n in range(1, 4)] == [Done.NO_CANDIDATE] * 3
    assert len(stack.sns.published) == 1


def test_a_chat_channel_shows_the_message_once() -> None:
    stack = Stack(v4=0.1)
    stack.look()
    [message] = stack.sns.delivered("sqs")
    envelope = {
        "MessageId": "1",
        "TopicArn": TOPIC,
        "Message": message,
        "Timestamp": "2026-03-02T12:03:31.000Z",
    }
    found = notification.read(json.dumps(envelope))
    assert found.title == "ALERT: green_taxi (dev): version 4 was returned, its release is gone"
    assert found.id == "release-returned-f-4-20260302T120331Z"
    assert notification.wanted(found, ["critical"], ["drift"]), "no filter of a channel drops it"


def test_the_longest_names_fit_into_a_subject() -> None:
    stack = Stack(v4=0.1)
    longest = Settings(
        predict_function=FUNCTION,
        predict_alias=ALIAS,
        alert_topic_arn=TOPIC,
        use_case="u" * 30,
        environment="e" * 10,
    )
    returned = Returned(version="99999", percent=10, at=UNTIL)
    Topic(stack.sns, longest).announce(FUNCTION, "1", returned)  # type: ignore[arg-type]  # a fake
    assert len(stack.sns.published) == 1


def test_a_description_holds_ten_versions_and_a_return() -> None:
    earlier = tuple(str(number) for number in range(99_000, 99_010))
    stack = Stack(Notes(earlier=earlier, watched_until=UNTIL), v4=0.1)
    assert stack.look() is Done.RETURNED
    assert stack.notes.earlier == earlier


def test_a_release_that_watches_again_at_the_same_moment_keeps_its_candidate() -> None:
    stack = Stack(v4=0.1)
    again = Notes(earlier=("2", "1"), watched_until=UNTIL + 3 * MINUTE)

    def keep() -> None:
        revision = stack.world.alias["RevisionId"]
        Lambda(stack.world).update_alias(
            FunctionName=FUNCTION, Name=ALIAS, RevisionId=revision, Description=again.text()
        )

    assert stack.look(client=Between(stack.world, keep)) is Done.CHANGED
    assert (stack.candidate, stack.notes, stack.sns.published) == (True, again, [])


def test_two_looks_at_the_same_moment_return_and_announce_once() -> None:
    stack = Stack(v4=0.1)
    others: list[Done] = []
    first = stack.look(client=Between(stack.world, lambda: others.append(stack.look())))
    assert (first, others) == (Done.CHANGED, [Done.RETURNED])
    assert (stack.candidate, len(stack.sns.published)) == (False, 1)


def test_a_look_while_another_announces_does_not_announce() -> None:
    stack = Stack(v4=0.1)
    seen: list[Done] = []
    publish = stack.sns.publish

    def looked(**message: Any) -> dict[str, str]:
        seen.append(stack.look(UNTIL + 30 * SECOND))
        return publish(**message)

    stack.sns.publish = looked  # type: ignore[method-assign]
    assert stack.look() is Done.RETURNED
    assert (seen, len(stack.sns.published)) == ([Done.NO_CANDIDATE], 1)


def test_a_look_that_is_killed_at_any_call_is_followed_by_one_that_returns_and_announces() -> None:
    for step in range(5):
        stack = Stack(v4=0.1)
        stack.world.kill_at = step
        try:
            stack.look()
        except Killed:
            stack.world.revive()
            for n in range(1, 4):
                stack.look(UNTIL + n * MINUTE + 2 * SECOND)
            # Killed after SNS's answer and before the note of it: the same message twice.
            assert len(stack.sns.published) == (2 if step == 2 else 1)
        assert (stack.candidate, stack.notes.returned is not None) == (False, True)
        assert len({m["MessageAttributes"]["alert_id"]["StringValue"] for m in stack.sns.published}) == 1
    assert step == 4


def test_a_message_that_the_topic_did_not_take_is_sent_by_a_later_look() -> None:
    stack = Stack(v4=0.1)
    stack.sns = StrictSns("InternalError")
    with pytest.raises(ClientError, match="InternalError"):
        stack.look()
    assert not stack.candidate, "the records come first"
    assert stack.look(UNTIL + 30 * SECOND) is Done.NO_CANDIDATE
    assert stack.look(UNTIL + 2 * MINUTE) is Done.ANNOUNCED
    assert stack.look(UNTIL + 4 * MINUTE) is Done.NO_CANDIDATE
    assert len(stack.sns.published) == 1


def test_a_release_that_starts_while_the_return_is_announced_is_left_alone() -> None:
    stack = Stack(v4=0.1)
    publish = stack.sns.publish
    new = {"RoutingConfig": {"AdditionalVersionWeights": {"5": 0.1}}, "Description": WATCHED.text()}

    def released(**message: Any) -> dict[str, str]:
        revision = stack.world.alias["RevisionId"]
        Lambda(stack.world).update_alias(FunctionName=FUNCTION, Name=ALIAS, RevisionId=revision, **new)
        return publish(**message)

    stack.sns.publish = released  # type: ignore[method-assign]
    assert stack.look() is Done.RETURNED
    assert {name: stack.world.alias[name] for name in new} == new


def test_another_error_of_lambda_is_raised() -> None:
    stack = Stack(v4=0.1)
    stack.world.errors = [("update_alias", "TooManyRequestsException")]
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        stack.look()
    assert stack.look() is Done.RETURNED

"""Message on the return of a candidate, to the alert topic."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract.release import Returned
from lambda_monitor.alerts import links, payload
from lambda_monitor.alerts.advice import Target
from lambda_monitor.alerts.severity import Severity
from lambda_monitor.guard.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

RELEASES = "docs/deploy.md#releases"


@dataclass(frozen=True)
class Topic:
    """The stack's alert topic."""

    client: "SNSClient"
    settings: Settings

    def announce(self, function: str, live: str, returned: Returned) -> None:
        """Publish the message of one return. Raises ClientError, BotoCoreError."""
        identity = f"release-returned-{function}-{returned.version}-{returned.at:%Y%m%dT%H%M%SZ}"
        subject = f"ALERT: {self._stack.title}: version {returned.version} was returned, its release is gone"
        attributes = {
            "alert_id": identity,
            "kind": "release_returned",
            "severity": Severity.WARNING.value,
            "use_case": self.settings.use_case,
        }
        self.client.publish(
            TopicArn=self.settings.alert_topic_arn,
            Subject=subject,
            Message=payload.by_protocol(identity, subject, self._text(function, live, returned)),
            MessageStructure="json",
            MessageAttributes=payload.message_attributes(attributes),
        )

    @property
    def _stack(self) -> Target:
        own = self.settings
        # The commands for a stack need no model version.
        return Target(use_case=own.use_case, version="", environment=own.environment)

    def _text(self, function: str, live: str, returned: Returned) -> str:
        where = links.place(self.settings.alert_topic_arn)
        arguments = self._stack.stack
        return "\n".join(
            [
                f"Version {returned.version} of {function} received {returned.percent:g}% of the batches and "
                "was not watched any more: the command of its release was killed, or lost its connection or "
                "its credentials.",
                f"Since {returned.at:%Y-%m-%d %H:%M:%S} UTC version {live} scores every record again, also "
                f"those of batches that failed on version {returned.version}.",
                "",
                f"AWS account: {where.account}, region: {where.region}",
                "",
                "What to do next:",
                "  - See what is live:",
                f"      make status {arguments}",
                "  - Release the champion again, with a new canary; make deploy releases image and model:",
                f"      make release {arguments}",
                f"Runbook: {RELEASES}",
                "",
            ]
        )

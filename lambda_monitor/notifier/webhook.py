"""Webhook of a channel: its secret URL, and a post with retries.

The URL is the credential. It is in no error, log line or answer: errors name the host alone, and no HTTP
library that logs or quotes URLs is used.
"""

import http.client
import random
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from lambda_monitor.untrusted import one_line

_ATTEMPT_SECONDS = 8.0
# Time kept for what follows the post: marking the message as posted.
_RESERVE_SECONDS = 3.0
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 8.0
_ANSWER_BYTES, _SHOWN = 2000, 200
_LOCAL = "127.0.0.1"
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?/[!-~]*")
Remaining = Callable[[], float]


class Secrets(Protocol):
    """The part of Secrets Manager's client that is used."""

    def get_secret_value(self, *, SecretId: str) -> Mapping[str, Any]:  # noqa: N803  # boto3's name
        """Return the secret's newest value in `SecretString`."""
        ...


class WebhookError(Exception):
    """The webhook can't be used: its secret is missing, or is no URL that the channel's hosts allow."""


class RefusedError(Exception):
    """The service refuses this post, so sending it again is of no use; `malformed`: because of its body."""

    def __init__(self, text: str, *, malformed: bool) -> None:
        super().__init__(text)
        self.malformed = malformed


class UnavailableError(Exception):
    """The service did not take the post in the time left; it may take it later."""


class Webhook(NamedTuple):
    """Parts of a webhook's URL; printing it shows the host alone."""

    scheme: str
    host: str
    port: int | None
    path: str

    def __repr__(self) -> str:
        """Return the host, without the path, which is the credential."""
        return f"Webhook(host={self.host!r})"


class _Answer(NamedTuple):
    """Status, `Retry-After` in seconds and body of an answer; status 0 and the error's name without one."""

    status: int
    wait: float | None
    text: str


def load(secrets: Secrets, arn: str, hosts: Sequence[str]) -> Webhook:
    """Return the webhook that the secret holds. Raises WebhookError."""
    failure = ""
    value = ""
    try:
        value = str(secrets.get_secret_value(SecretId=arn).get("SecretString", ""))
    except ClientError as error:
        failure = error.response["Error"]["Code"]
    except BotoCoreError as error:
        failure = type(error).__name__
    if failure:
        raise WebhookError(f"secret {arn} can't be read ({failure}): put the webhook's URL into it")
    return parse(value.strip(), hosts)


def parse(url: str, hosts: Sequence[str]) -> Webhook:
    """Return the parts of `url`. Raises WebhookError, without the URL in it."""
    if not _URL.fullmatch(url):
        raise WebhookError("the secret holds no URL like https://hooks.slack.com/services/...")
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not any(host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in hosts):
        raise WebhookError(f"the URL's host {host} is not one of the channel's hosts: {', '.join(hosts)}")
    if parts.scheme != "https" and host != _LOCAL:
        raise WebhookError(f"the URL of host {host} must begin with https://")
    query = f"?{parts.query}" if parts.query else ""
    return Webhook(parts.scheme, host, parts.port, f"{parts.path}{query}")


def post(
    webhook: Webhook, body: bytes, remaining: Remaining, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Post `body`, again after 429, 5xx and lost connections while time is left.

    A post without an answer may have been shown: it is sent again, since a copy is better than silence.
    Raises RefusedError and UnavailableError.
    """
    backoff = _FIRST_WAIT
    while True:
        answer = _attempt(webhook, body, min(_ATTEMPT_SECONDS, max(remaining() - _RESERVE_SECONDS, 0.1)))
        if 200 <= answer.status < 300:  # noqa: PLR2004  # the successes
            return
        shown = f"{webhook.host} answered {answer.status or answer.text}"
        if answer.status not in {0, http.client.TOO_MANY_REQUESTS} and answer.status < 500:  # noqa: PLR2004  # the server's errors
            text = f"{shown}: {_without(webhook, answer.text)}"
            raise RefusedError(text, malformed=answer.status == http.client.BAD_REQUEST)
        wait = answer.wait if answer.wait is not None else backoff * random.uniform(0.5, 1)  # noqa: S311  # no secret
        if wait + _RESERVE_SECONDS >= remaining():
            raise UnavailableError(f"{shown}; the next attempt would be after {wait:.0f} s")
        sleep(wait)
        backoff = min(2 * backoff, _LONGEST_WAIT)


def _attempt(webhook: Webhook, body: bytes, seconds: float) -> _Answer:
    """Return the answer to one post; redirects are not followed."""
    connection: http.client.HTTPConnection
    if webhook.scheme == "https":
        context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(webhook.host, webhook.port, timeout=seconds, context=context)
    else:
        connection = http.client.HTTPConnection(webhook.host, webhook.port, timeout=seconds)
    headers = {"Content-Type": "application/json; charset=utf-8"}
    try:
        connection.request("POST", webhook.path, body, headers)
        answer = connection.getresponse()
        text = answer.read(_ANSWER_BYTES).decode("utf-8", "replace")
        return _Answer(answer.status, _seconds(answer.getheader("Retry-After")), text)
    except (OSError, http.client.HTTPException) as error:
        # Only the error's name: its text may quote the request.
        return _Answer(0, None, f"nothing ({type(error).__name__})")
    finally:
        connection.close()


def _seconds(header: str | None) -> float | None:
    """Return a `Retry-After` in seconds; None without one, and for a date, which Slack does not send."""
    return float(header) if header is not None and header.strip().isdecimal() else None


def _without(webhook: Webhook, text: str) -> str:
    """Return the answer's text without the webhook's path, should the service quote it."""
    parts = [part for part in re.split(r"[/?&=]", webhook.path) if len(part) > 3]  # noqa: PLR2004  # too short for a secret
    for part in [webhook.path, *parts]:
        text = text.replace(part, "***")
    return one_line(text, _SHOWN)

"""SNS's Publish with the limits of its API reference, which moto does not enforce."""

import json
import re
from typing import Any

from botocore.exceptions import ClientError

_MOST_BYTES = 262_144


class StrictSns:
    """A client that keeps what SNS would accept and refuses the rest; `failures` are raised first."""

    def __init__(self, *failures: str) -> None:
        self.published: list[dict[str, Any]] = []
        self._failures = list(failures)

    def publish(self, **message: Any) -> dict[str, str]:
        """Keep the message, or raise InvalidParameter."""
        if self._failures:
            raise refusal(self._failures.pop(0), "failed")
        subject, text = message["Subject"], message["Message"]
        # "must be ASCII text that begins with a letter, number, or punctuation mark; must not include
        # line breaks or control characters; and must be less than 100 characters long".
        if not re.fullmatch(r"[!-~][ -~]{0,98}", subject):
            raise refusal("InvalidParameter", "Invalid parameter: Subject")
        if not text:
            raise refusal("InvalidParameter", "Invalid parameter: Empty message")
        # "must be a syntactically valid JSON object; contain at least a top-level JSON key of 'default'
        # with a value that is a string".
        if message.get("MessageStructure") == "json" and not _by_protocol(text):
            raise refusal("InvalidParameter", "Invalid parameter: Message Structure - JSON message body")
        total = len(text.encode())
        for name, value in message.get("MessageAttributes", {}).items():
            if not re.fullmatch(r"[A-Za-z0-9_.-]{1,256}", name) or not value["StringValue"]:
                raise refusal("ParameterValueInvalid", f"The message attribute '{name}' is invalid")
            total += sum(len(part.encode()) for part in (name, value["DataType"], value["StringValue"]))
        if total > _MOST_BYTES:
            raise refusal("InvalidParameter", "Invalid parameter: Message too long")
        self.published.append(message)
        return {"MessageId": str(len(self.published))}

    def delivered(self, protocol: str) -> list[str]:
        """Return what subscribers of that protocol received."""
        texts = [_by_protocol(message["Message"]) for message in self.published]
        return [found.get(protocol, found["default"]) for found in texts]


def _by_protocol(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) and isinstance(found.get("default"), str) else {}


def refusal(code: str, text: str) -> ClientError:
    """Return SNS's error answer."""
    return ClientError({"Error": {"Code": code, "Message": text}}, "Publish")

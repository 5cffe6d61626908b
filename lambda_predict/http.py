"""Lambda handler of the function URL: one record per request."""

import base64
import json
import uuid
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import msgspec

from lambda_predict import handler as stream
from lambda_predict import metrics
from lambda_predict.explain import TOO_LARGE
from lambda_predict.publish import Remaining, Sender, publish
from lambda_predict.score import Batch, Scorer

PATH = "/predict"
SHARD = "http"
_JSON = {"content-type": "application/json"}


class Answer(msgspec.Struct, frozen=True):
    """HTTP status and body, and the batch of one record if scored."""

    status: HTTPStatus
    body: dict[str, Any]
    batch: Batch | None = None


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request to the function URL."""
    settings, scorer, output, rejected = stream.start()
    asked = event["requestContext"]["http"]
    body = event.get("body") or ""
    # Lone surrogates pass, so that the decoder rejects them with a reason.
    data = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(errors="surrogatepass")
    now = datetime.now(UTC)
    answer = respond(
        scorer,
        output,
        rejected,
        method=asked["method"],
        path=event.get("rawPath", ""),
        data=data,
        request_id=event["requestContext"]["requestId"],
        remaining=stream.remaining(context),
        now=now,
    )
    if answer.batch is not None:
        lost = int(answer.status is HTTPStatus.SERVICE_UNAVAILABLE)
        model = scorer.model.contract.model
        print(metrics.embedded(answer.batch, lost, model, settings.use_case, now))  # noqa: T201 - the log
    return {"statusCode": answer.status.value, "headers": _JSON, "body": json.dumps(answer.body)}


def respond(
    scorer: Scorer,
    output: Sender,
    rejected: Sender,
    *,
    method: str,
    path: str,
    data: bytes,
    request_id: str,
    remaining: Remaining,
    now: datetime,
) -> Answer:
    """Score `data` and publish its event, or its rejection, as the stream handler does.

    If the event can't be published, the answer has no prediction: monitoring would miss it.
    """
    if path.rstrip("/") != PATH:
        return Answer(HTTPStatus.NOT_FOUND, {"message": f"not found: the only endpoint is POST {PATH}"})
    if method != "POST":
        return Answer(
            HTTPStatus.METHOD_NOT_ALLOWED,
            {"message": f"method not allowed: send the record by POST to {PATH}"},
        )
    batch = scorer.score([_record(data, request_id, now)], now)
    if publish(rejected, batch.rejected, remaining) or publish(output, batch.scored, remaining):
        words = "the prediction could not be written: try again"
        return Answer(HTTPStatus.SERVICE_UNAVAILABLE, {"message": words}, batch)
    if batch.rejected:
        reason = msgspec.json.decode(batch.rejected[0].data)
        body = {name: reason[name] for name in ("reason", "field", "message")}
        large = body["reason"] == TOO_LARGE
        return Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE if large else HTTPStatus.BAD_REQUEST, body, batch)
    event = msgspec.json.decode(batch.scored[0].data, type=dict[str, msgspec.Raw])
    names = ("prediction", scorer.model.contract.id_field, "model")
    return Answer(HTTPStatus.OK, {name: msgspec.json.decode(event[name]) for name in names}, batch)


def request_id() -> str:
    """Return a new request id."""
    return str(uuid.uuid4())


def _record(data: bytes, request_id: str, now: datetime) -> dict[str, Any]:
    return {
        "kinesis": {
            "sequenceNumber": request_id,
            "data": base64.b64encode(data),
            "approximateArrivalTimestamp": now.timestamp(),
        },
        "eventID": f"{SHARD}:{request_id}",
    }

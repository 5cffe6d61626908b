"""Lambda handler of the function URL: one record per request."""

import base64
import json
import uuid
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from lambda_predict import handler as stream
from lambda_predict import identity, metrics
from lambda_predict.explain import TOO_LARGE
from lambda_predict.identity import Identity, InvalidKeyError
from lambda_predict.publish import Remaining, Sender, publish
from lambda_predict.score import Batch, Line, Scorer

PATH = "/predict"
_JSON = {"content-type": "application/json"}
# Time for retries of a rejection besides one call, in seconds; the answer is the same without it.
_REJECTION_SECONDS = 1.0


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request; `key` is the value of its Idempotency-Key header, None without one."""

    method: str
    path: str
    data: bytes
    request_id: str
    key: str | None


class Answer(msgspec.Struct, frozen=True):
    """HTTP status and body, the batch of one record if scored, and its unpublished lines."""

    status: HTTPStatus
    body: dict[str, Any]
    batch: Batch | None = None
    unpublished: int = 0


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer a request to the function URL."""
    settings, scorer, output, rejected = stream.start()
    now = datetime.now(UTC)
    service = Service(scorer, output, rejected, settings.http_identity)
    answer = service.respond(_request(event), stream.remaining(context), now)
    if answer.batch is not None:
        about = scorer.model.contract.model, settings.use_case, now, None, settings.metrics_namespace
        print(metrics.embedded(answer.batch, answer.unpublished, *about))  # noqa: T201 - the log
    return {"statusCode": answer.status.value, "headers": _JSON, "body": json.dumps(answer.body)}


class Service(msgspec.Struct, frozen=True):
    """The scorer, the senders of events and rejections, and the source of identities."""

    scorer: Scorer
    output: Sender
    rejected: Sender
    identity: Identity = Identity.REQUEST

    def respond(self, request: Request, remaining: Remaining, now: datetime) -> Answer:
        """Score the record and publish its event, or its rejection, as the stream handler does.

        If the event can't be published, the answer has no prediction: monitoring would miss it.
        """
        if request.path.rstrip("/") != PATH:
            return Answer(HTTPStatus.NOT_FOUND, {"message": f"not found: the only endpoint is POST {PATH}"})
        if request.method != "POST":
            words = f"method not allowed: send the record by POST to {PATH}"
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED, {"message": words})
        try:
            number = self._sequence_number(request)
        except InvalidKeyError as error:
            return Answer(HTTPStatus.BAD_REQUEST, {"message": str(error)})
        batch = self.scorer.score([_record(request.data, number, now)], now)
        if batch.rejected:
            return self._refuse(batch, remaining)
        if left := publish(self.output, batch.scored, remaining):
            words = (
                f"the prediction could not be published: repeat the request with the same {identity.HEADER}"
            )
            return Answer(HTTPStatus.SERVICE_UNAVAILABLE, {"message": words}, batch, len(left))
        event = msgspec.json.decode(batch.scored[0].data, type=dict[str, msgspec.Raw])
        names = ("prediction", self.scorer.model.contract.id_field, "model")
        return Answer(HTTPStatus.OK, {name: msgspec.json.decode(event[name]) for name in names}, batch)

    def _sequence_number(self, request: Request) -> str:
        if request.key is not None:
            return identity.of_key(request.key)
        if self.identity is Identity.RECORD_ID:
            id_field = self.scorer.model.contract.id_field
            return identity.of_record(request.data, id_field) or request.request_id
        return request.request_id

    def _refuse(self, batch: Batch, remaining: Remaining) -> Answer:
        reason = msgspec.json.decode(batch.rejected[0].data)
        body = {name: reason[name] for name in ("reason", "field", "message")}
        if left := _keep(self.rejected, batch.rejected, remaining):
            body["message"] += ". The record was not kept: the delivery of rejected records is not available"
        large = body["reason"] == TOO_LARGE
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if large else HTTPStatus.BAD_REQUEST
        return Answer(status, body, batch, len(left))


def request_id() -> str:
    """Return a new request id."""
    return str(uuid.uuid4())


def _request(event: dict[str, Any]) -> Request:
    context, body = event["requestContext"], event.get("body") or ""
    # Lone surrogates pass, so that the decoder rejects them with a reason.
    data = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(errors="surrogatepass")
    # A function URL sends header names in lower case.
    key = event.get("headers", {}).get(identity.HEADER.lower())
    method, path = context["http"]["method"], event.get("rawPath", "")
    return Request(method=method, path=path, data=data, request_id=context["requestId"], key=key)


def _keep(rejected: Sender, lines: list[Line], remaining: Remaining) -> list[Line]:
    """Publish the rejection within one call and _REJECTION_SECONDS; return the lines left."""
    end = remaining() - rejected.seconds - _REJECTION_SECONDS
    try:
        return publish(rejected, lines, lambda: min(remaining() - end, remaining()))
    except ClientError as error:
        # The sender gets its reason anyway; the log has the cause, the metric Unpublished the count.
        print(json.dumps({"message": f"rejections can't be written: {error}"}))  # noqa: T201 - the log
        return lines


def _record(data: bytes, sequence_number: str, now: datetime) -> dict[str, Any]:
    return {
        "kinesis": {
            "sequenceNumber": sequence_number,
            "data": base64.b64encode(data),
            "approximateArrivalTimestamp": now.timestamp(),
        },
        "eventID": f"{identity.SHARD}:{sequence_number}",
    }

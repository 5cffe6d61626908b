"""Fields that MiniStack omits from responses, which a second plan reports as drift; lost answers.

`ignore_changes` is no alternative: it would hide real drift in a real account.
"""

import json
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from hypercorn.config import Config
from ministack import app
from ministack.services import cloudwatch, firehose, kinesis, lambda_svc

_Reply = tuple[int, dict[str, str], bytes]
_OK = 200
_IDLE_SECONDS = 600
# Answers that are kept for repetitions, and the largest of them in bytes.
_ANSWERS, _ANSWER_BYTES = 1_000, 100_000
_FIRST_ERROR = 400
# Fields absent from an alarm on an expression, for which MiniStack sets defaults.
_OF_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "Period", "Dimensions", "Unit")


def complete() -> None:
    """Apply every patch of this module."""
    keep_expressions_of_alarms()
    keep_suppressors_of_alarms()
    return_every_alarm_field()
    return_delivery_time_zones()
    accept_consumers_of_streams()
    keep_settings_of_mappings()
    keep_tags_of_new_streams()
    keep_idle_connections()
    answer_repetitions()


def keep_idle_connections() -> None:
    """Let the client close idle connections, Terraform's after 90 s, where MiniStack sets 75 s.

    Hypercorn's close can't be cancelled: a request that arrives with it is executed, its answer lost, and
    the client's repetition fails, since the resource exists.
    """
    Config.keep_alive_timeout = property(lambda _: _IDLE_SECONDS, lambda *_: None)


def answer_repetitions() -> None:
    """Return the first answer to the repetition of a call that succeeded: its answer was lost.

    AWS SDKs send the same invocation id with each attempt. Executed again, Terraform's call would fail,
    since the resource exists.
    """
    dispatch = app._dispatch_service_request
    answers: OrderedDict[str, tuple[int, dict[str, str], bytes]] = OrderedDict()

    async def dispatched(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any, request_id: str
    ) -> Any:
        invocation = headers.get("amz-sdk-invocation-id", "")
        repeated = "attempt=1" not in headers.get("amz-sdk-request", "attempt=1").replace(" ", "").split(";")
        if repeated and invocation in answers:
            print(f"answered {method} {path} {headers.get('x-amz-target', '')} again", file=sys.stderr)
            status, fields, content = answers[invocation]
            return status, dict(fields), content
        status, fields, content = await dispatch(method, path, headers, body, query, request_id)
        small = isinstance(content, bytes) and len(content) <= _ANSWER_BYTES
        if invocation and method != "GET" and status < _FIRST_ERROR and small:
            answers[invocation] = (status, dict(fields), content)
            if len(answers) > _ANSWERS:
                answers.popitem(last=False)
        return status, fields, content

    app._dispatch_service_request = dispatched


def keep_expressions_of_alarms() -> None:
    """Store the metric queries of an alarm. `forms`: whether the request is CBOR, whether it is JSON."""
    put = cloudwatch._put_metric_alarm

    def put_alarm(params: Mapping[str, Any], data: Any, *forms: bool) -> _Reply:
        reply: _Reply = put(params, data, *forms)
        given = data if any(forms) else nested(params)
        if reply[0] == _OK and (metrics := given.get("Metrics")):
            alarm = cloudwatch._alarms[given["AlarmName"]]
            for name in _OF_ONE_METRIC:
                alarm.pop(name, None)
            alarm["Metrics"] = metrics
        return reply

    cloudwatch._put_metric_alarm = put_alarm


def keep_suppressors_of_alarms() -> None:
    """Store the actions suppressor of a composite alarm. `forms`: as above."""
    put = cloudwatch._put_composite_alarm

    def put_alarm(params: Mapping[str, Any], data: Any, *forms: bool) -> _Reply:
        reply: _Reply = put(params, data, *forms)
        given = data if any(forms) else nested(params)
        if reply[0] == _OK and "ActionsSuppressor" in given:
            alarm = cloudwatch._composite_alarms[given["AlarmName"]]
            alarm |= {name: given[name] for name in given if name.startswith("ActionsSuppressor")}
        return reply

    cloudwatch._put_composite_alarm = put_alarm


def return_every_alarm_field() -> None:
    """Return every field of DescribeAlarms in XML, as in the JSON response."""
    describe = cloudwatch._describe_alarms

    def describe_alarms(params: Mapping[str, Any], data: Any, *forms: bool) -> _Reply:
        reply: _Reply = describe(params, data, *forms)
        if any(forms) or reply[0] != _OK:
            return reply
        _, _, body = describe({}, nested(params), is_cbor=False, is_json=True)
        result = "".join(xml(name, value) for name, value in json.loads(body).items())
        wrapped = f"<DescribeAlarmsResult>{result}</DescribeAlarmsResult>"
        return cloudwatch._xml(_OK, "DescribeAlarmsResponse", wrapped)  # type: ignore[no-any-return]  # MiniStack has no types

    cloudwatch._describe_alarms = describe_alarms


def return_delivery_time_zones() -> None:
    """Return the time zone and file extension of a delivery stream."""
    describe = firehose._dest_description

    def description(destination: Mapping[str, Any]) -> dict[str, Any]:
        described: dict[str, Any] = describe(destination)
        if (own := described.get("ExtendedS3DestinationDescription")) is not None:
            config = destination["config"]
            own |= {name: config[name] for name in ("CustomTimeZone", "FileExtension") if config.get(name)}
        return described

    firehose._dest_description = description


def accept_consumers_of_streams() -> None:
    """Accept the ARN of a registered consumer as an event source, as that of its stream."""
    name_of = lambda_svc._kinesis_stream_name_from_arn_spec

    def stream_name(spec: Any) -> str | None:
        stream, _, consumer = spec.resource.partition("/consumer/")
        found: str | None = name_of(replace(spec, resource=stream) if consumer else spec)
        return found

    lambda_svc._kinesis_stream_name_from_arn_spec = stream_name


def keep_settings_of_mappings() -> None:
    """Store the metrics configuration of an event source mapping, and the time at which it starts."""
    create, update = lambda_svc._create_esm, lambda_svc._update_esm

    def kept(reply: _Reply, data: Mapping[str, Any]) -> _Reply:
        given = {name: data[name] for name in ("MetricsConfig", "StartingPositionTimestamp") if name in data}
        if reply[0] >= 300 or not given:  # noqa: PLR2004  # first status that is not a success
            return reply
        mapping = lambda_svc._esms[json.loads(reply[2])["UUID"]]
        mapping |= given
        return lambda_svc.json_response(lambda_svc._esm_response(mapping), reply[0])  # type: ignore[no-any-return]  # as above

    lambda_svc._create_esm = lambda data: kept(create(data), data)
    lambda_svc._update_esm = lambda mapping_id, data: kept(update(mapping_id, data), data)


def keep_tags_of_new_streams() -> None:
    """Store the tags given to CreateStream."""
    create = kinesis._create_stream

    def create_stream(data: Mapping[str, Any]) -> _Reply:
        reply: _Reply = create(data)
        if reply[0] == _OK:
            kinesis._streams[data["StreamName"]]["tags"].update(data.get("Tags") or {})
        return reply

    kinesis._create_stream = create_stream


def nested(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nested structure of Query protocol parameters, e.g. `A.member.1.B=x`."""
    root: dict[str, Any] = {}
    for path, value in params.items():
        *parents, last = path.split(".")
        place = root
        for name in parents:
            place = place.setdefault(name, {})
        place[last] = value[0] if isinstance(value, list) else value
    found: dict[str, Any] = _lists(root)
    return found


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if set(value) == {"member"}:
        members = value["member"]
        return [_lists(members[number]) for number in sorted(members, key=int)]
    return {name: _lists(inner) for name, inner in value.items()}


def xml(name: str, value: Any) -> str:
    """Return `value` as an XML element of a Query protocol response; empty for None."""
    return "" if value is None else ElementTree.tostring(_element(name, value), encoding="unicode")


def _element(name: str, value: Any) -> ElementTree.Element:
    element = ElementTree.Element(name)
    if isinstance(value, Mapping):
        element.extend(_element(key, inner) for key, inner in value.items() if inner is not None)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        element.extend(_element("member", inner) for inner in value)
    elif isinstance(value, bool):
        element.text = str(value).lower()
    elif name.endswith("Timestamp"):
        element.text = datetime.fromtimestamp(value, UTC).isoformat()
    else:
        element.text = str(value)
    return element

"""What AWS tells of a resource and MiniStack leaves out: a second plan would take it for drift.

Never `ignore_changes` instead: it would hide real drift in a real account.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from ministack.services import cloudwatch, firehose, kinesis, lambda_svc

_Reply = tuple[int, dict[str, str], bytes]
_OK = 200
# What an alarm on an expression has none of, and MiniStack gives a default.
_OF_ONE_METRIC = ("MetricName", "Namespace", "Statistic", "Period", "Dimensions", "Unit")


def complete() -> None:
    """Patch every answer that is incomplete."""
    keep_expressions_of_alarms()
    tell_all_of_alarms()
    tell_the_time_zone_of_deliveries()
    keep_metrics_of_mappings()
    keep_tags_of_new_streams()


def keep_expressions_of_alarms() -> None:
    """Keep what an alarm on several metrics computes. `forms` are whether a request is CBOR, or JSON."""
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


def tell_all_of_alarms() -> None:
    """Answer DescribeAlarms in XML with every field, as its JSON answer has them."""
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


def tell_the_time_zone_of_deliveries() -> None:
    """Progress a delivery stream's time zone and file extension, which are kept and used."""
    describe = firehose._dest_description

    def description(destination: Mapping[str, Any]) -> dict[str, Any]:
        told: dict[str, Any] = describe(destination)
        if (own := told.get("ExtendedS3DestinationDescription")) is not None:
            config = destination["config"]
            own |= {name: config[name] for name in ("CustomTimeZone", "FileExtension") if config.get(name)}
        return told

    firehose._dest_description = description


def keep_metrics_of_mappings() -> None:
    """Keep which metrics an event source mapping was asked to publish."""
    create, update = lambda_svc._create_esm, lambda_svc._update_esm

    def kept(reply: _Reply, data: Mapping[str, Any]) -> _Reply:
        if reply[0] >= 300 or "MetricsConfig" not in data:  # noqa: PLR2004  # the first status that is no success
            return reply
        mapping = lambda_svc._esms[json.loads(reply[2])["UUID"]]
        mapping["MetricsConfig"] = data["MetricsConfig"]
        return lambda_svc.json_response(lambda_svc._esm_response(mapping), reply[0])  # type: ignore[no-any-return]  # as above

    lambda_svc._create_esm = lambda data: kept(create(data), data)
    lambda_svc._update_esm = lambda mapping_id, data: kept(update(mapping_id, data), data)


def keep_tags_of_new_streams() -> None:
    """Keep the tags that CreateStream was given."""
    create = kinesis._create_stream

    def create_stream(data: Mapping[str, Any]) -> _Reply:
        reply: _Reply = create(data)
        if reply[0] == _OK:
            kinesis._streams[data["StreamName"]]["tags"].update(data.get("Tags") or {})
        return reply

    kinesis._create_stream = create_stream


def nested(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the structure that a form of the Query protocol spells out, e.g. `A.member.1.B=x`."""
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
    """Return `value` as an element of the Query protocol's answers; nothing for None."""
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

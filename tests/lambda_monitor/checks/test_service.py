"""Service checks from CloudWatch's metrics."""

from datetime import timedelta

import boto3
import pytest
from botocore.stub import Stubber

from lambda_monitor.checks import service
from tests.lambda_monitor.synthetic import HOUR, NOON


def put_metric(namespace: str, name: str, dimension: tuple[str, str], value: float) -> None:
    boto3.client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": dimension[0], "Value": dimension[1]}],
                "Timestamp": NOON + timedelta(minutes=10),
                "Value": value,
            }
        ],
    )


def ask(accounted: int = 1000, *, settled: bool = True, stream: str = "input") -> dict[str, str]:
    sources = service.Sources(function="predict", stream=stream)
    results = service.check_service(
        boto3.client("cloudwatch"), sources, NOON, NOON + HOUR, accounted=accounted, settled=settled
    )
    return {r.name: r.status for r in results}


@pytest.mark.usefixtures("stack")
class TestHealth:
    def test_without_metrics_every_check_is_skipped(self) -> None:
        assert set(ask().values()) == {"skipped"}
        assert set(ask(stream="").values()) == {"skipped"}

    @pytest.mark.parametrize(("factor", "expected"), [(0, "ok"), (1, "alert")])
    def test_metrics_above_their_limits_are_alerts(self, factor: int, expected: str) -> None:
        function, stream = ("FunctionName", "predict"), ("StreamName", "input")
        put_metric("AWS/Lambda", "Invocations", function, 100)
        put_metric("AWS/Lambda", "Errors", function, 5 * factor)
        put_metric("AWS/Lambda", "IteratorAge", function, 20 * 60_000 * factor)
        put_metric("AWS/Kinesis", "IncomingRecords", stream, 1000 + 100 * factor)

        assert set(ask().values()) == {expected}

    def test_records_that_may_still_land_are_not_lost(self) -> None:
        put_metric("AWS/Kinesis", "IncomingRecords", ("StreamName", "input"), 2000)

        assert ask(settled=False)["service.lost"] == "skipped"
        assert ask(settled=True)["service.lost"] == "alert"

    def test_few_invocations_and_records_are_skipped(self) -> None:
        function, stream = ("FunctionName", "predict"), ("StreamName", "input")
        put_metric("AWS/Lambda", "Invocations", function, 19)
        put_metric("AWS/Lambda", "Errors", function, 1)
        put_metric("AWS/Kinesis", "IncomingRecords", stream, 99)

        assert set(ask(accounted=0).values()) == {"skipped"}


def answered(*, statuses: dict[str, str] | None = None, error: str = "") -> dict[str, str]:
    """Return the checks' statuses for an answer of GetMetricData with these status codes, or an error."""
    client = boto3.client("cloudwatch")
    values = {"errors": [0.0], "invocations": [1000.0], "age": [5.0], "incoming": [1000.0]}
    with Stubber(client) as stub:
        if error:
            stub.add_client_error("get_metric_data", error, "not allowed", 403)
        else:
            results = [
                {"Id": key, "StatusCode": (statuses or {}).get(key, "Complete"), "Values": found}
                for key, found in values.items()
            ]
            stub.add_response("get_metric_data", {"MetricDataResults": results})
        found = service.check_service(
            client,
            service.Sources(function="predict", stream="input"),
            NOON,
            NOON + HOUR,
            accounted=1000,
            settled=True,
        )
    return {result.name: result.status for result in found}


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling", "InternalServiceFault"])
def test_metrics_that_cloudwatch_denies_are_an_error(code: str) -> None:
    assert set(answered(error=code).values()) == {"error"}


@pytest.mark.parametrize("code", ["Forbidden", "InternalError"])
def test_one_metric_that_cloudwatch_denies_is_an_error_of_its_check(code: str) -> None:
    assert answered() == dict.fromkeys(("service.errors", "service.delay", "service.lost"), "ok")
    assert answered(statuses={"age": code})["service.delay"] == "error"
    assert answered(statuses={"invocations": code})["service.errors"] == "error"
    assert answered(statuses={"incoming": code})["service.lost"] == "error"
    assert answered(statuses={"incoming": code})["service.errors"] == "ok"

"""A plan after an apply is empty, and detects manual changes."""

from typing import Any


def test_plan_is_empty_after_apply_and_detects_a_manual_change(deployed: Any) -> None:
    assert deployed.plan_is_empty()
    cloudwatch = deployed.client("cloudwatch")
    name = f"{deployed.outputs['predict_function']}-errors"
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    accepted = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    settings = {key: value for key, value in alarm.items() if key in accepted}

    cloudwatch.put_metric_alarm(**settings | {"Threshold": alarm["Threshold"] + 1})
    assert not deployed.plan_is_empty()

    cloudwatch.put_metric_alarm(**settings)
    assert deployed.plan_is_empty()

"""What was applied is what is there: a second plan is empty, and shows what somebody else changed."""

from typing import Any


def test_a_second_plan_changes_nothing_but_what_was_changed_by_hand(deployed: Any) -> None:
    assert deployed.plan_is_empty()
    cloudwatch = deployed.client("cloudwatch")
    name = f"{deployed.outputs['predict_function']}-errors"
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    asked = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
    told = {key: value for key, value in alarm.items() if key in asked}

    cloudwatch.put_metric_alarm(**told | {"Threshold": alarm["Threshold"] + 1})
    assert not deployed.plan_is_empty()

    cloudwatch.put_metric_alarm(**told)
    assert deployed.plan_is_empty()

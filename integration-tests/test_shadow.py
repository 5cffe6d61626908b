"""A model in shadow scores every record apart; the live path stays as it is, whatever the shadow does."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from contract import layout
from local import traffic
from ops import bundles, deploy, embedded, shadow, shadow_page
from ops.audit import audit
from ops.deployment import DeploymentError
from tests import releases
from tests.iam import record
from tests.iam.recorder import Recorder

USE_CASE = "green_taxi"
ROWS = 200


@pytest.fixture
def stack(deployed: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the shared stack, which the commands of ops find; remove a shadow that a test has left."""
    if deployed.work is None or deployed.outputs["use_case"] != USE_CASE:
        pytest.skip("only the embedded AWS runs an image made here")
    monkeypatch.setattr(embedded, "FOLDERS", (deployed.work / "local",))
    monkeypatch.setattr(bundles, "WORK", deployed.work)
    yield deployed
    if deploy.deployed(USE_CASE)[1].get("shadow"):
        shadow.end(USE_CASE)


def put(stack: Any, rows: int, seed: int) -> tuple[Any, set[str]]:
    """Put records; return the time before them and their ids."""
    start = traffic.now()
    frame, lines = stack.records("normal", rows, seed=seed)
    stack.put(lines)
    return start, set(frame[stack.contract.id_field].astype(str))


def on_output_stream(stack: Any, start: Any, ids: set[str]) -> Counter[tuple[str, str]]:
    """Return how many events of those records the output stream has, by id and model version."""
    kinesis, stream = stack.client("kinesis"), stack.outputs["output_stream"]
    found: Counter[tuple[str, str]] = Counter()
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        at = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": start}
        iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard["ShardId"], **at)[
            "ShardIterator"
        ]
        while True:
            answer = kinesis.get_records(ShardIterator=iterator)
            events = [json.loads(line) for r in answer["Records"] for line in r["Data"].splitlines()]
            keys = [(str(event[stack.contract.id_field]), event["model"]["version"]) for event in events]
            found.update(key for key in keys if key[0] in ids)
            iterator = answer["NextShardIterator"]
            if not answer["Records"] and not answer["MillisBehindLatest"]:
                break
    return found


def landed(stack: Any, root: str, start: Any, ids: set[str]) -> set[str]:
    """Wait until events of all records are under a prefix; return their model versions."""
    reader, id_field, limit = stack.lake(root), stack.contract.id_field, stack.deadlines.landed
    found = traffic.wait_landed(reader, id_field, ids, start, seconds=limit)
    return {event["model"]["version"] for event in found.values()}


def check_live(stack: Any, start: Any, ids: set[str]) -> None:
    """Check that each record has one event of the live model, on the stream and in the lake, and no other."""
    version = stack.contract.model.version
    assert landed(stack, layout.PREDICTIONS, start, ids) == {version}
    assert on_output_stream(stack, start, ids) == Counter(dict.fromkeys(((i, version) for i in ids), 1))
    names, s3, kinesis = stack.outputs, stack.client("s3"), stack.client("kinesis")
    found = audit(kinesis, s3, names["input_stream"], names["lake_bucket"], start, traffic.now())
    assert (found.received, found.scored, found.duplicated, found.given_up) == (len(ids), len(ids), 0, 0)


def left(stack: Any) -> list[str]:
    """Return the names of what a shadow consists of."""
    client = stack.client
    functions = [f["FunctionName"] for f in client("lambda").list_functions()["Functions"]]
    mappings = client("lambda").list_event_source_mappings()["EventSourceMappings"]
    streams = client("firehose").list_delivery_streams()["DeliveryStreamNames"]
    roles = [
        r["RoleName"] for page in client("iam").get_paginator("list_roles").paginate() for r in page["Roles"]
    ]
    groups = [g["logGroupName"] for g in client("logs").describe_log_groups()["logGroups"]]
    arn = client("kinesis").describe_stream_summary(StreamName=stack.outputs["input_stream"])
    consumers = client("kinesis").list_stream_consumers(
        StreamARN=arn["StreamDescriptionSummary"]["StreamARN"]
    )
    names = [*functions, *(m["EventSourceArn"] for m in mappings), *streams, *roles, *groups]
    return [name for name in names if "shadow" in name] + [c["ConsumerName"] for c in consumers["Consumers"]]


def shadow_plan_is_empty() -> bool:
    root, known = deploy.deployed(USE_CASE)
    return root.plan_is_empty(deploy.current(root, USE_CASE, known))


@pytest.mark.timeout(900)
def test_both_score_every_record_and_only_the_live_one_publishes(
    stack: Any, recorder: Recorder, tmp_path: Path
) -> None:
    target = json.loads(stack.contract.to_json())["target"] | {"decimals": 0}
    releases.write_model(stack, "21", target=target)
    run = releases.shell(stack, tmp_path / "copy", VERSION="21")
    assert "Model 21 is in shadow" in run("make shadow")
    assert shadow_plan_is_empty(), "what AWS returns of a shadow is what was applied"
    state = stack.work / "local/terraform" / USE_CASE / "terraform.tfstate"
    region = stack.client("sts").meta.region_name
    recorder.keep(stack.client, USE_CASE, region, record.resources(state))

    start, ids = put(stack, ROWS, seed=61)
    check_live(stack, start, ids)
    assert landed(stack, layout.SHADOW, start, ids) == {"21"}
    start, ids = put(stack, ROWS, seed=64)
    check_live(stack, start, ids)
    assert landed(stack, layout.SHADOW, start, ids) == {"21"}
    page = run("make shadow-compare")
    assert f"Scored by both: {2 * ROWS}, of which" in page
    assert "seconds until scored, median" in page
    assert "Difference without sign: median 0." in page
    assert "model 21 since" in run("make status")
    run("make shadow OFF=1")
    assert left(stack) == []
    assert stack.plan_is_empty()


@pytest.mark.timeout(900)
def test_a_shadow_that_fails_touches_no_live_record(stack: Any) -> None:
    version = stack.contract.model.version
    line = "    now, left_seconds = "
    image = releases.build_image(stack, "shadowed", line, f'    raise RuntimeError("broken")\n{line}')
    shadow.start(USE_CASE, version, image)
    start, ids = put(stack, ROWS, seed=62)
    check_live(stack, start, ids)
    page = shadow_page.page(shadow.compare(USE_CASE), USE_CASE)
    assert "Nothing was scored by both yet" in page
    shadow.start(USE_CASE, version, hours=1)
    assert landed(stack, layout.SHADOW, start, ids) == {version}, "from an hour ago on"
    shadow.end(USE_CASE)

    releases.write_model(stack, "22")
    folder = stack.work / "bundles" / stack.contract.model.name / "22"
    (folder / "model.onnx").write_bytes(b"no model")
    releases.bundle.write_manifest(folder, stack.contract.model.name, "22")
    with pytest.raises(DeploymentError, match="model 22 was not left in shadow: it does not start"):
        shadow.start(USE_CASE, "22")
    assert left(stack) == []
    start, ids = put(stack, ROWS, seed=63)
    check_live(stack, start, ids)

"""Table of planned changes: from Terraform's plans, and from the documented format."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from ops import plan
from ops.plan import Attribute, Change
from ops.terraform import Terraform

needs_terraform = pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")

MAIN = """
variable "text" { type = string }
variable "secret" {
  type      = string
  sensitive = true
}
variable "count_of" {
  type    = number
  default = 1
}
resource "terraform_data" "text" {
  count = var.count_of
  input = var.text
}
resource "terraform_data" "replaced" {
  triggers_replace = var.text
  input            = "same"
}
resource "terraform_data" "secret" {
  input = var.secret
}
output "text" {
  value = var.text
}
"""


def change(actions: list[str], before: Any, after: Any, **more: Any) -> dict[str, Any]:
    rest: dict[str, Any] = {"after_unknown": {}, "before_sensitive": {}, "after_sensitive": {}}
    return {"actions": actions, "before": before, "after": after, **rest, **more}


def planned(found: dict[str, Any]) -> dict[str, Any]:
    return {"resource_changes": [{"address": "a.b", "change": found}]}


@pytest.fixture
def root(tmp_path: Path) -> Terraform:
    (tmp_path / "root").mkdir()
    (tmp_path / "root/main.tf").write_text(MAIN)
    terraform = Terraform(tmp_path / "root", tmp_path / "state", dict(os.environ), progress=lambda _: None)
    terraform.init()
    return terraform


@needs_terraform
def test_terraforms_plan_is_listed_by_resource_and_attribute(root: Terraform) -> None:
    first = {"text": "one", "secret": "hidden-1", "count_of": 2}
    assert [c.action for c in plan.changes(root.plan(first))] == ["create"] * 5
    root.apply(first)
    assert plan.changes(root.plan(first)) == []

    found = {c.address: c for c in plan.changes(root.plan({"text": "two", "secret": "hidden-2"}))}

    assert {address: c.action for address, c in found.items()} == {
        "terraform_data.replaced": "replace",
        "terraform_data.secret": "update",
        "terraform_data.text[0]": "update",
        "terraform_data.text[1]": "destroy",
        "output.text": "update",
    }
    assert found["output.text"].attributes == (Attribute("value", "one", "two"),)
    assert Attribute("input", "one", "two") in found["terraform_data.text[0]"].attributes
    masked = Attribute("input", "(sensitive)", "(sensitive)")
    assert masked in found["terraform_data.secret"].attributes


@needs_terraform
def test_no_plan_file_stays(root: Terraform) -> None:
    root.plan({"text": "one", "secret": "hidden-1"})
    assert not list(root.state_dir.rglob("*.tfplan"))


def test_unknown_and_equal_values() -> None:
    found = planned(
        change(
            ["update"],
            {"arn": "x", "name": "n", "tags": {}},
            {"name": "n", "tags": {}},
            after_unknown={"arn": True},
        )
    )
    assert plan.changes(found) == [Change("a.b", "update", (Attribute("arn", "x", "(known after apply)"),))]


def test_a_value_with_a_sensitive_part_is_masked() -> None:
    nested = {"environment": [{"variables": True}]}
    found = planned(
        change(
            ["update"],
            {"environment": [{"variables": {"K": "secret-1"}}], "memory": 1},
            {"environment": [{"variables": {"K": "secret-2"}}], "memory": 2},
            before_sensitive={"memory": False},
            after_sensitive={**nested, "memory": False},
        )
    )
    [only] = plan.changes(found)
    assert only.attributes == (
        Attribute("environment", "(sensitive)", "(sensitive)"),
        Attribute("memory", "1", "2"),
    )


def test_long_values_are_cut_around_their_difference() -> None:
    before, after = "a" * 500 + "old" + "b" * 500, "a" * 500 + "new" + "b" * 500
    [only] = plan.changes(planned(change(["update"], {"policy": before}, {"policy": after})))
    [attribute] = only.attributes
    assert "old" in attribute.before
    assert "new" in attribute.after
    assert len(attribute.before) < 100


@pytest.mark.parametrize("actions", [["no-op"], ["read"]])
def test_reads_and_unchanged_resources_are_not_listed(actions: list[str]) -> None:
    assert plan.changes(planned(change(actions, {}, {}))) == []


@pytest.mark.parametrize("actions", [["delete", "create"], ["create", "delete"]])
def test_both_orders_of_a_replacement(actions: list[str]) -> None:
    [only] = plan.changes(planned(change(actions, {"a": 1}, {"a": 2})))
    assert only.action == "replace"


def test_the_table_is_aligned_and_counts_resources_only() -> None:
    found = [
        Change("a.long_name", "create"),
        Change("b.c", "update", (Attribute("x", "1", "2"), Attribute("yy", "3", "4"))),
        Change("output.z", "create"),
    ]
    assert plan.table(found).splitlines() == [
        "create  a.long_name",
        "update  b.c          x   1 -> 2",
        "update  b.c          yy  3 -> 4",
        "create  output.z",
        "Resources to change: 1 to create, 1 to update.",
    ]


def test_no_changes_are_stated() -> None:
    assert plan.table([]) == "No changes: the stack is as the configuration describes it."


def test_markdown_escapes_values_and_is_cut() -> None:
    text = plan.markdown([Change("a", "update", (Attribute("x", "<a|b>", "c\nd"),))], "Title")
    assert "| update | a | x | &lt;a\\|b> -> c d |" in text
    many = plan.markdown([Change(f"r{n}", "create") for n in range(250)], "Title")
    assert "50 more rows" in many
    assert "r199" in many
    assert "r200" not in many

"""Record of an integration run: policies and resources of the applied stack, calls of its roles."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.iam import calls, grants
from tests.iam.calls import Call
from tests.iam.grants import Grant

FILE = Path(__file__).with_name("record.json")
Policies = dict[str, list[Any]]
# Resources that are named by an id alone, to which no policy refers.
_RANDOM = re.compile(r":event-source-mapping:|:sns:.*:[0-9a-f-]{36}$")


@dataclass(frozen=True)
class Record:
    """Policies by kind of role, ARNs of the stack's resources, calls."""

    use_case: str
    policies: Policies
    resources: list[str]
    calls: list[Call]

    @property
    def name(self) -> str:
        """Use case and region."""
        regions = {arn.split(":")[3] for arn in self.resources} - {""}
        return f"{self.use_case} in {', '.join(sorted(regions))}"

    def grants(self) -> list[Grant]:
        """Return what all policies allow."""
        return [grant for kind, found in self.policies.items() for grant in grants.of_role(kind, found)]

    def write(self, file: Path = FILE) -> None:
        """Write the record as JSON, one line per call."""
        rows = ",\n".join("  " + json.dumps(asdict(call)) for call in self.calls)
        head = {"use_case": self.use_case, "policies": self.policies, "resources": self.resources}
        text = json.dumps(head, indent=1, sort_keys=True).rstrip("}\n")
        file.write_text(f'{text},\n "calls": [\n{rows}\n ]\n}}\n')


def read(file: Path = FILE) -> Record:
    """Return the stored record."""
    stored = json.loads(file.read_text())
    made = [Call(**{**c, "keys": tuple(map(tuple, c["keys"]))}) for c in stored["calls"]]
    return Record(stored["use_case"], stored["policies"], stored["resources"], made)


def kind_of(use_case: str, region: str) -> Callable[[str], str | None]:
    """Return a function from a role's or policy's name to what it is for: predict, monitor, producer, ..."""
    prefix, suffix = f"scorewatch-{use_case.replace('_', '-')}-", f"-{region}"

    def kind(name: str) -> str | None:
        own = name.startswith(prefix) and name.endswith(suffix)
        return name.removeprefix(prefix).removesuffix(suffix) if own else None

    return kind


def policies(client: Callable[[str], Any], use_case: str, region: str) -> Policies:
    """Return the inline policies of a stack's roles, and its policies for people, by kind."""
    iam, kind, found = client("iam"), kind_of(use_case, region), {}
    for page in iam.get_paginator("list_roles").paginate():
        for name in [role["RoleName"] for role in page["Roles"] if kind(role["RoleName"])]:
            inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
            answers = [iam.get_role_policy(RoleName=name, PolicyName=policy) for policy in inline]
            if answers:
                found[str(kind(name))] = [_general(answer["PolicyDocument"]) for answer in answers]
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        if for_whom := kind(policy["PolicyName"]):
            answer = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId=policy["DefaultVersionId"])
            found[for_whom] = [_general(answer["PolicyVersion"]["Document"])]
    return dict(sorted(found.items()))


def resources(state_file: Path) -> list[str]:
    """Return the ARNs of the resources in a Terraform state, in the form of the calls."""
    state = json.loads(state_file.read_text())
    attributes = [instance["attributes"] for r in state["resources"] for instance in r["instances"]]
    arns = {str(found["arn"]) for found in attributes if found.get("arn")}
    return sorted(calls.without_random(arn) for arn in arns if not _RANDOM.search(arn))


def in_reach(arns: Iterable[str], found: Policies) -> list[str]:
    """Return the ARNs of the services whose resources the policies name."""
    granted = {g.resource for kind, documents in found.items() for g in grants.of_role(kind, documents)}
    services = {arn.split(":")[2] for arn in granted if arn != "*"}
    return [arn for arn in arns if arn.split(":")[2] in services]


def _general(document: Any) -> Any:
    """Return a policy with the random parts of ARNs replaced, as in the calls."""
    document = json.loads(document) if isinstance(document, str) else document
    for statement in document["Statement"]:
        listed = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        statement["Resource"] = sorted(calls.without_random(arn) for arn in listed)
    return document

from pathlib import Path

INFRA = Path(__file__).resolve().parents[2] / "infra"


def test_every_role_has_the_given_path_and_boundary() -> None:
    roles = [
        block.split("\n}\n")[0]
        for file in sorted(INFRA.rglob("*.tf"))
        for block in file.read_text().split('resource "aws_iam_role" ')[1:]
    ]
    assert len(roles) == 3
    for role in roles:
        lines = {" ".join(line.split()) for line in role.splitlines()}
        assert "path = var.role_settings.path" in lines
        assert "permissions_boundary = var.role_settings.permissions_boundary" in lines


def test_every_module_with_a_role_receives_the_settings_of_roles() -> None:
    root = (INFRA / "main.tf").read_text()
    for module in ("lake", "scorer", "monitor", "guard", "notifier"):
        block = root.split(f'module "{module}" {{')[1].split("\n}\n")[0]
        assert "role_settings" in block

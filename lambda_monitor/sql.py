"""SQL text from names and values."""


def struct(fields: dict[str, str]) -> str:
    """Return the STRUCT type of those fields."""
    return f"STRUCT({', '.join(f'{name(field)} {kind}' for field, kind in fields.items())})"


def name(identifier: str) -> str:
    """Return `identifier` quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return `value` as a literal."""
    return "'" + value.replace("'", "''") + "'"

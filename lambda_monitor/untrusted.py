"""Text from outside, as one bounded line: record keys, categories, object keys, error texts."""

# Longest value shown, in characters.
LONGEST = 100


def one_line(value: object, longest: int = LONGEST) -> str:
    """Return `value` as printable text without line breaks, cut to `longest` characters.

    Control, invisible and bidirectional characters are shown as escapes.
    """
    text = str(value)
    shown = "".join(c if c.isprintable() else _escaped(c) for c in text[: longest + 1])
    if len(shown) <= longest:
        return shown
    return f"{shown[:longest]}... ({len(text):,} characters)"


def quoted(value: object, longest: int = LONGEST) -> str:
    """Return `value` as `one_line` does, in double quotes."""
    return '"' + one_line(str(value).replace('"', "'"), longest) + '"'


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")

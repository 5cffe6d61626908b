"""Text from outside as one bounded line."""

import pytest

from lambda_monitor.untrusted import LONGEST, one_line, quoted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 日本", "plain é 日本"),
        ("a\nb\rc\x00", r"a\nb\rc\x00"),
        ("\u2028\u202e\u200b", r"\u2028\u202e\u200b"),
        ("\ud800", r"\ud800"),
        ("", ""),
        (5, "5"),
    ],
)
def test_characters_that_change_the_layout_are_shown_as_escapes(text: object, shown: str) -> None:
    assert one_line(text) == shown


@pytest.mark.parametrize("text", ["x" * 300_000, "\n" * 300_000])
def test_long_text_is_cut_and_its_length_given(text: str) -> None:
    found = one_line(text)
    assert found.startswith(one_line(text[:10]))
    assert found.endswith("... (300,000 characters)")
    assert len(found) < LONGEST + 30
    assert one_line("y" * LONGEST) == "y" * LONGEST


def test_quotes_inside_do_not_end_the_quoted_text() -> None:
    assert quoted('a" b') == '"a\' b"'

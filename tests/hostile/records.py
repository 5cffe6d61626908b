"""Hostile records: several hundred byte strings that a producer could put."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

MARK = "pwned"
_SCRIPT = f"<script>window.{MARK}=1</script>"

MARKUP = (
    _SCRIPT,
    f"</script>{_SCRIPT}",
    f"</SCRIPT\n>{_SCRIPT}",
    f"<!--{_SCRIPT}",
    f"--><script>window.{MARK}=1</script>",
    f"<img src=x onerror=window.{MARK}=1>",
    f"<svg/onload=window.{MARK}=1>",
    f"<iframe srcdoc='{_SCRIPT}'></iframe>",
    f"<a href='javascript:window.{MARK}=1'>{MARK}</a>",
    f"<style>@import'//{MARK}.example'</style>",
    f"<meta http-equiv=refresh content='0;url=//{MARK}.example'>",
    f"</title></textarea></style>{_SCRIPT}",
    f'"><script>window.{MARK}=1</script>',
    f"'><script>window.{MARK}=1</script>",
    f'" onmouseover="window.{MARK}=1',
    f"&lt;script&gt;window.{MARK}=1&lt;/script&gt;",
    f"\\u003cscript\\u003ewindow.{MARK}=1\\u003c/script\\u003e",
    f"]]>{_SCRIPT}<![CDATA[",
)
CONTROL = (
    "line\nReport: s3://elsewhere/report.html",
    "line\r\nSubject: forged",
    "line\rover",
    "\n\n\n",
    "tab\tand\x0bvertical\x0cform",
    "nul\x00inside",
    "bell\x07 backspace\x08 delete\x7f",
    "\x1b[2J\x1b[31mred\x1b[0m",
    "\x1b]8;;http://elsewhere\x07link\x1b]8;;\x07",
    "\x9b31m",
    "\u202etxt.exe\u202c",
    "\u2066isolate\u2069\u200f\u200e",
    "zero\u200bwidth\u200d\ufeff",
    "\u2028line\u2029paragraph\x85next",
    "Z\u0351\u036b\u0343\u0324a\u0321\u0322lgo" * 20,
    "\ufdd0\uffff\U0010ffff",
)
INJECTION = (
    "' OR 1=1; DROP TABLE predictions; --",
    "'); COPY (SELECT 1) TO '/tmp/pwned'; --",
    "\"; ATTACH '/tmp/pwned.db'; --",
    "read_csv('/etc/passwd')",
    "=cmd|'/c calc'!A0",
    "+1+1",
    "@SUM(1)",
    "{{7*7}}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{0.__class__.__init__.__globals__}",
    "%s%s%s%n",
    "{}{0}{name}",
    "../../../../etc/passwd",
    "..\\..\\windows\\system32",
    "/predictions/year=2026/month=03/day=02/hour=12/part-1.gz",
    "reports/index.html",
    "s3://elsewhere/key",
    "file:///etc/passwd",
    "$(touch /tmp/pwned)",
    "`touch /tmp/pwned`",
    "; rm -rf /",
    "$\\foo$",
    "$x^{2",
    "\\frac{1}{",
    "$$$",
    "__proto__",
    "constructor",
    "@id",
    "@identity",
    "prediction",
    "target",
    "model",
    "record",
    "null",
    "NaN",
    "-Infinity",
    "true",
    "",
    " ",
    ".",
    "a.b.c",
    "a" * 257,
    "\U0001f600" * 300,
    "\u00e9",
    "e\u0301",
    "K",
)
LONG = "L" * 300_000
TEXTS = (*MARKUP, *CONTROL, *INJECTION)


def records(
    id_field: str, payload_field: str, good: Mapping[str, Any], *, text_feature: str = ""
) -> Iterator[bytes]:
    """Yield hostile records; `good` is a valid payload, `text_feature` a string feature of it."""

    def record(record_id: Any, payload: Any, **more: Any) -> bytes:
        return json.dumps({id_field: record_id, payload_field: payload, **more}, ensure_ascii=False).encode()

    first = next(iter(good))
    for number, text in enumerate((*TEXTS, LONG)):
        name = f"hostile-{number}"
        yield record(text, good)
        yield record(f"{name}-key", {**good, text: 1})
        yield record(f"{name}-top", good, **{text: text} if text not in {id_field, payload_field} else {})
        yield record(f"{name}-type", {**good, first: text})
        key = json.dumps(text, ensure_ascii=False)
        yield f'{{"{id_field}":"{name}-twice","{payload_field}":{{{key}:1,{key}:2}}}}'.encode()
        if text_feature:
            yield record(f"{name}-category", {**good, text_feature: text})
    yield from _numbers(id_field, payload_field, good)
    yield from _raw(id_field, payload_field, good)


def long_categories(
    id_field: str, payload_field: str, good: Mapping[str, Any], feature: str, count: int
) -> Iterator[bytes]:
    """Yield records of as many distinct categories of 300 kB."""
    for number in range(count):
        payload = {**good, feature: f"{number:06d}{LONG}"}
        yield json.dumps({id_field: f"long-{number}", payload_field: payload}).encode()


def _numbers(id_field: str, payload_field: str, good: Mapping[str, Any]) -> Iterator[bytes]:
    numbers = (
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999",
        "-1e999",
        "1e-999",
        "-0",
        "-0.0",
        "9" * 400,
        "0." + "1" * 400,
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "1e308",
        "1e39",
        "0x10",
        "01",
        "1_000",
        "+1",
        ".5",
        "5.",
        "true",
        "null",
        "[]",
        "{}",
        '"1"',
        "1.5",
    )
    for field in good:
        for number in numbers:
            rest = json.dumps({key: value for key, value in good.items() if key != field})[1:-1]
            payload = f"{{{json.dumps(field)}:{number}{',' if rest else ''}{rest}}}"
            yield f'{{"{id_field}":"number","{payload_field}":{payload}}}'.encode()
    for number in numbers:
        yield f'{{"{id_field}":{number},"{payload_field}":{json.dumps(dict(good))}}}'.encode()


def _raw(id_field: str, payload_field: str, good: Mapping[str, Any]) -> Iterator[bytes]:
    payload = json.dumps(dict(good))
    whole = f'{{"{id_field}":"raw","{payload_field}":{payload}}}'
    yield from (
        b"",
        b" ",
        b"\x00",
        b"\n",
        b"null",
        b"[]",
        b"{}",
        b'""',
        b"\xef\xbb\xbf" + whole.encode(),
        whole.encode("utf-16"),
        whole.encode() + whole.encode(),
        whole.encode() + b"\n" + whole.encode(),
        whole.encode() + b"\r\n",
        whole.encode()[:-1],
        b"\x1f\x8b" + whole.encode(),
        b"PAR1" + whole.encode(),
        b"\xff\xfe\xfd",
        b'{"a":"\xed\xa0\x80"}',
        whole.replace("raw", "\\ud800").encode(),
        whole.replace("raw", "\\ud83d\\ude00").encode(),
        whole.replace("raw", "\\u0000").encode(),
        ("[" * 100_000).encode(),
        ('{"a":' * 10_000 + "1" + "}" * 10_000).encode(),
        whole.replace(payload, "[" * 5_000 + "]" * 5_000).encode(),
        whole.replace(payload, payload[:-1] + ',"deep":' + "[" * 500 + "]" * 500 + "}").encode(),
        whole.replace(payload, '"text"').encode(),
        whole.replace(payload, "null").encode(),
        whole.replace(f'"{id_field}"', f'"{id_field.upper()}"').encode(),
        whole.replace(f'"{id_field}"', f'"{id_field} "').encode(),
        (whole[:-1] + f',"{id_field}":"again"}}').encode(),
        (whole[:-1] + f',"{payload_field}":{payload}}}').encode(),
    )
    for field in good:
        yield whole.replace(f'"{field}"', f'"{field.upper()}"').encode()
        yield whole.replace(payload, payload[:-1] + f',"{field}":1}}').encode()
        yield whole.replace(payload, payload[:-1] + f',"{field.swapcase()}":1}}').encode()

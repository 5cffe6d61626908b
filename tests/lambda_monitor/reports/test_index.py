"""Front page of the report site, and its local server."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta

import pytest

from contract import layout
from contract.timestamps import timestamp
from lambda_monitor.checks import gaps
from lambda_monitor.reports import index
from local import report_site
from tests.lambda_monitor.synthetic import LAKE, MODEL, NOON, Stack
from tests.serving import serving

HOUR = timedelta(hours=1)


def put_report(stack: Stack, hour: int, status: str = "ok", ratio: float = 0.5) -> str:
    start, end = NOON + hour * HOUR, NOON + (hour + 1) * HOUR
    prefix = layout.report_prefix(MODEL.name, start, end)
    check = {
        "name": "drift",
        "value": ratio * 0.2,
        "threshold": 0.2,
        "status": "alert" if ratio > 1 else "ok",
        "columns": ["trip <distance>"],
        "sentence": "",
    }
    report = {
        "model": {"name": MODEL.name, "version": "1", "run_id": ""},
        "window": {"start": timestamp(start), "end": timestamp(end)},
        "status": status,
        "records": 1000 + hour,
        "checks": [check],
    }
    stack.s3.put_object(Bucket=LAKE, Key=f"{prefix}report.json", Body=json.dumps(report))
    stack.s3.put_object(
        Bucket=LAKE, Key=f"{prefix}report.html", Body=b"<p>drawn</p>", ContentType="text/html"
    )
    return prefix


def get(address: str) -> http.client.HTTPResponse:
    return urllib.request.urlopen(address)  # noqa: S310  # our own server


def page(stack: Stack) -> str:
    return stack.read(index.KEY).decode()


def test_windows_are_newest_first_with_status_links_and_sparkline(stack: Stack) -> None:
    put_report(stack, 0)
    newest = put_report(stack, 1, "alert", 1.7)

    assert index.update(stack.s3, LAKE) == 2

    text = page(stack)
    assert text.index("13:00 to 14:00") < text.index("12:00 to 13:00")
    assert '<span class="status alert">alert</span>' in text
    assert f'<a href="{newest.removeprefix("reports/")}report.html">report</a>' in text
    assert 'aria-label="trip &lt;distance&gt;: 0.50, 1.70"' in text
    assert "<distance>" not in text.split('<script type="application/json"')[0]


def test_reads_only_reports_it_does_not_know(stack: Stack) -> None:
    first = put_report(stack, 0)
    index.update(stack.s3, LAKE)
    second = put_report(stack, 1)
    gets = stack.gets()

    index.update(stack.s3, LAKE)

    assert f"{second}report.json" in gets
    assert f"{first}report.json" not in gets


def test_a_full_page_drops_the_oldest_windows_and_lists_them_no_more(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "SHOWN", 3)
    prefixes = [put_report(stack, hour) for hour in range(5)]
    listed = []
    stack.s3.meta.events.register(
        "provide-client-params.s3.ListObjectsV2", lambda params, **_: listed.append(params.get("StartAfter"))
    )

    rows = [index.update(stack.s3, LAKE), index.update(stack.s3, LAKE)]

    assert rows == [3, 3]
    assert listed == [None, prefixes[2].rstrip("/")]
    assert prefixes[1].split("/")[2] not in page(stack)
    put_report(stack, 6)
    index.update(stack.s3, LAKE)
    assert prefixes[2].split("/")[2] not in page(stack)


def test_a_replaced_report_replaces_its_row(stack: Stack) -> None:
    put_report(stack, 0)
    index.update(stack.s3, LAKE)
    put_report(stack, 0, "alert", 3.0)

    assert index.update(stack.s3, LAKE) == 1
    assert '<span class="status alert">' in page(stack)


def test_an_update_refused_for_a_conflict_keeps_the_other_row(stack: Stack) -> None:
    put_report(stack, 0)
    raced = []

    def overtake(params: dict, **_: object) -> None:
        if params["Key"] == index.KEY and not raced:
            raced.append(True)
            put_report(stack, 1)
            index.update(stack.s3, LAKE)

    stack.s3.meta.events.register("provide-client-params.s3.PutObject", overtake)

    assert index.update(stack.s3, LAKE) == 2
    assert raced


def test_a_page_of_another_version_is_made_again(stack: Stack) -> None:
    put_report(stack, 0)
    stack.s3.put_object(
        Bucket=LAKE, Key=index.KEY, Body=b'<script type="application/json" id="rows">[{"old": 1}]</script>'
    )

    assert index.update(stack.s3, LAKE) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no rows",
        b"\xff\xfe",
        b'<script type="application/json" id="rows">[{</script>',
        b'</script><script type="application/json" id="rows">',
    ],
)
def test_a_damaged_page_is_made_again(stack: Stack, body: bytes) -> None:
    put_report(stack, 0)
    stack.s3.put_object(Bucket=LAKE, Key=index.KEY, Body=body)

    assert index.update(stack.s3, LAKE) == 1
    assert "12:00 to 13:00" in page(stack)


@pytest.mark.parametrize(
    "key",
    [
        "reports/report.json",
        "reports/notes.txt",
        "reports/m/report.json",
        "reports/m/backup/report.json",
        "reports/m/20260302T120000Z/report.json",
        "reports/m/20260302T120000Z-20260399T130000Z/report.json",
        "reports/m/a-b/report.json",
        "reports/a/b/c/d/report.json",
        f"reports/{MODEL.name}/copy of x/report.json",
    ],
)
def test_foreign_objects_under_reports_are_ignored(stack: Stack, key: str) -> None:
    put_report(stack, 0)
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=b"{}")

    assert index.update(stack.s3, LAKE) == 1
    found = gaps.check_gap(stack.s3, LAKE, MODEL.name, NOON + HOUR, NOON + 2 * HOUR)
    assert (found.status, found.value) == ("ok", 0.0)


@pytest.mark.parametrize("body", [b"x", b"\xff", b"[]", b'{"status": 5}'])
def test_a_damaged_report_is_a_row_with_an_error(stack: Stack, body: bytes) -> None:
    put_report(stack, 0)
    prefix = put_report(stack, 1)
    stack.s3.put_object(Bucket=LAKE, Key=f"{prefix}report.json", Body=body)

    assert index.update(stack.s3, LAKE) == 2
    text = page(stack)
    assert "report.json can&#x27;t be read" in text
    assert '<span class="status error">error</span>' in text
    assert text.index("13:00 to 14:00") < text.index("12:00 to 13:00")


@pytest.fixture
def address(stack: Stack) -> Iterator[str]:
    with report_site.server(stack.s3, LAKE) as server, serving(server):
        yield f"http://127.0.0.1:{server.server_port}/"


def test_only_objects_under_reports_are_served(stack: Stack, address: str) -> None:
    put_report(stack, 0)
    index.update(stack.s3, LAKE)
    stack.s3.put_object(Bucket=LAKE, Key="predictions/secret", Body=b"secret")

    text = get(address).read().decode()
    linked = sorted(index.links(text))

    assert [name.rsplit("/", 1)[1] for name in linked] == ["report.html", "report.json"]
    assert get(address + linked[0]).read() == b"<p>drawn</p>"
    for path in ("predictions/secret", "missing.html"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(address + path)


def test_every_link_is_presigned(stack: Stack) -> None:
    prefix = put_report(stack, 0)
    index.update(stack.s3, LAKE)

    links = index.links(report_site.presigned(stack.s3, LAKE, hours=2))

    assert len(links) == 2
    assert all(link.startswith("https://") and "Expires" in link for link in links)
    assert any(f"{prefix}report.html" in link for link in links)

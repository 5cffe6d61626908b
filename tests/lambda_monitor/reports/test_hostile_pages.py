"""Pages with hostile names, values, identifiers and reasons, in headless Chromium: no script runs."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

from contract.schema import Contract, DType, Feature, Kind, ModelRef, Target, Task
from lambda_monitor.findings import CheckResult, Findings, Status
from lambda_monitor.reports import evidently_report, index, plain_page
from tests.lambda_monitor.synthetic import HOUR, NOON, contract
from training import page as training_page
from training.gate import Check, Verdict

PAYLOADS = (
    "</script><script>window.pwned=1</script>",
    "<!--<script>window.pwned=1",
    "<img src=x onerror=window.pwned=1>",
    "<svg onload=window.pwned=1>",
    '"><script>window.pwned=1</script>',
    "'-window.pwned=1-'",
    "<a href='javascript:window.pwned=1'>click</a>",
    "</title></style></textarea><script>window.pwned=1</script>",
    "${window.pwned=1} {{window.pwned=1}} \\u003cscript> \u2028 \u202e",
)
# Contracts allow any printable character but quotes and backslashes in names.
COLUMN = "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=1>"
MODEL = ModelRef(name=PAYLOADS[0], version=PAYLOADS[2], run_id="")


def hostile_contract() -> Contract:
    return contract(
        task=Task.CLASSIFICATION,
        features=[
            Feature(name=COLUMN, kind=Kind.CATEGORICAL, dtype=DType.STR),
            Feature(name="size" + COLUMN, kind=Kind.NUMERIC, dtype=DType.FLOAT),
        ],
        target=Target(name="outcome" + COLUMN, labels=list(PAYLOADS[:3])),
        model=MODEL,
    )


def rows(count: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            COLUMN: rng.choice(PAYLOADS, count).tolist(),
            "size" + COLUMN: rng.normal(size=count),
            "prediction": rng.choice(PAYLOADS[:3], count).tolist(),
            "probability": rng.uniform(0.5, 1, count),
            "target": rng.choice(PAYLOADS[:3], count).tolist(),
        }
    )


def checks() -> list[CheckResult]:
    drift = CheckResult.above("drift.feature", 2.0, 1.0, PAYLOADS[0], columns=[COLUMN])
    rest = [
        CheckResult.above(
            f"performance.{text}", 2.0, 1.0, text, columns=[COLUMN, text], detail={"found": {text: text}}
        )
        for text in PAYLOADS
    ]
    return [drift, *rest]


def findings(**changes) -> Findings:
    values = {
        "status": Status.ALERT,
        "records": 600,
        "checks": checks(),
        "reason": " ".join(PAYLOADS),
        "planned": ["report", "performance"],
    }
    return Findings(**{**values, **changes})


@pytest.fixture(scope="module")
def drawn() -> Findings:
    """Return findings with an Evidently report on hostile columns, categories and classes."""
    declared = hostile_contract()
    made = evidently_report.render(declared, rows(500, 1), rows(400, 2), checks(), records=600).html
    return findings(files={"report.html": made, "performance.html": made})


def open_page(browser: webdriver.Chrome, address: str, text: str = "", *, plots: bool = False) -> None:
    browser.get(address)
    if plots:
        WebDriverWait(browser, 60).until(
            lambda b: b.execute_script("return document.querySelectorAll('.js-plotly-plot svg').length > 0")
        )
    hover = "document.querySelectorAll('body *').forEach(e => e.dispatchEvent(new MouseEvent('mouseover')))"
    browser.execute_script(hover)
    assert browser.execute_script("return window.pwned") is None
    assert text in browser.execute_script("return document.body.textContent")
    # What only the policy stops is not escaped.
    blocked = [entry["message"] for entry in browser.get_log("browser") if "Refused" in entry["message"]]
    assert blocked == []


@pytest.mark.parametrize("name", ["report.html", "performance.html"])
@pytest.mark.parametrize("rendered", [True, False])
def test_report_pages_run_no_script_of_a_record(
    browser: webdriver.Chrome, drawn: Findings, tmp_path: Path, name: str, rendered: bool
) -> None:
    found = drawn if rendered else findings()
    file = tmp_path / name
    file.write_bytes(plain_page.pages(MODEL, NOON, NOON + HOUR, found)[name])

    open_page(browser, file.as_uri(), PAYLOADS[0], plots=rendered)

    assert browser.title.startswith(f"alert: {MODEL.name}")
    for text in PAYLOADS[:-1]:
        assert text in browser.execute_script("return document.body.textContent")


@pytest.mark.parametrize("rendered", [True, False])
def test_the_policy_stops_scripts_that_are_not_escaped(
    browser: webdriver.Chrome, drawn: Findings, tmp_path: Path, rendered: bool
) -> None:
    page = plain_page.pages(MODEL, NOON, NOON + HOUR, drawn if rendered else findings())["report.html"]
    injected = b"<script>window.pwned=1</script><img src=x onerror=window.pwned=1></body>"
    file = tmp_path / "injected.html"
    file.write_bytes(page.replace(b"</body>", injected, 1) if not rendered else _before_last(page, injected))

    browser.get(file.as_uri())

    assert browser.execute_script("return window.pwned") is None


def _before_last(page: bytes, injected: bytes) -> bytes:
    head, _, tail = page.rpartition(b"</body>")
    return head + injected + tail


def test_the_front_page_runs_no_script_of_a_report(browser: webdriver.Chrome, tmp_path: Path) -> None:
    row = index.Row(
        folder=f"reports/{PAYLOADS[4]}/w",
        tag=PAYLOADS[1],
        model=PAYLOADS[0],
        version=PAYLOADS[2],
        start="2026-03-02T12:00:00Z",
        end="2026-03-02T13:00:00Z",
        status='alert"><script>window.pwned=1</script>',
        records=1,
        checks=[index.Ratio(name=t, status="alert", columns=[t], ratio=2.0) for t in PAYLOADS],
        files=["report.html", "report.json"],
    )
    file = tmp_path / "index.html"
    file.write_text(index.page([row, row]))

    open_page(browser, file.as_uri(), "Windows")

    # "<!--<script" in the rows would swallow what follows them.
    assert browser.execute_script("return document.querySelectorAll('body > footer').length") == 1
    assert browser.execute_script("return document.querySelectorAll('tbody tr').length") == len(PAYLOADS) + 2


def test_the_training_page_runs_no_script_of_the_data(browser: webdriver.Chrome, tmp_path: Path) -> None:
    table = pd.DataFrame({text: [text] for text in PAYLOADS})
    verdict = Verdict([Check(text, passed=False, sentence=text) for text in PAYLOADS])
    sections = [training_page.Section(text, text, table=table) for text in PAYLOADS]
    file = tmp_path / "training.html"
    file.write_text(training_page.render(PAYLOADS[0], PAYLOADS[7], sections, verdict))

    open_page(browser, file.as_uri(), PAYLOADS[0])


@pytest.mark.parametrize("page", ["index", "plain", "report"])
def test_pages_fit_a_phones_width(
    browser: webdriver.Chrome, drawn: Findings, tmp_path: Path, page: str
) -> None:
    row = index.Row(
        folder="reports/m/w",
        tag="",
        model="m",
        version="1",
        start="2026-03-02T12:00:00Z",
        end="2026-03-02T13:00:00Z",
        status="alert",
        records=2_000,
        checks=[index.Ratio(name="drift.feature", status="alert", columns=["trip_distance"], ratio=2.0)],
        files=["report.html", "performance.html", "report.json"],
    )
    made = {
        "index": index.page([row] * 3).encode(),
        "plain": plain_page.pages(MODEL, NOON, NOON + HOUR, findings())["report.html"],
        "report": plain_page.pages(MODEL, NOON, NOON + HOUR, drawn)["report.html"],
    }[page]
    file = tmp_path / f"{page}.html"
    file.write_bytes(made)
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        browser.get(file.as_uri())
        widths = browser.execute_script(
            "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert widths == [390, 390]

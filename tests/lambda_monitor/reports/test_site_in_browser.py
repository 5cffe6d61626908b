"""The report site in headless Chromium."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from lambda_monitor import monitor
from lambda_monitor.run import Clients, Run, Span
from lambda_monitor.settings import Settings
from local import report_site
from tests.lambda_monitor.synthetic import HOUR, LAKE, NOON, Stack, synthetic_rides
from tests.serving import serving

_WAIT = 60


@pytest.fixture
def address(stack: Stack) -> Iterator[str]:
    stack.bundle()
    settings = Settings.from_environment(stack.environment())
    clients = Clients(s3=stack.s3, sns=stack.sns, cloudwatch=None, athena=None)
    for hour, stretch in enumerate([1.0, 1.05, 2.0]):
        start = NOON + hour * HOUR
        stack.put(stack.events(synthetic_rides(1500, seed=hour, stretch=stretch), start), start)
        run = Run(id=str(hour), now=start + HOUR, deadline=start + HOUR + timedelta(minutes=15))
        monitor.run(clients, settings, Span(start=start, end=start + HOUR, asked=True), run)
    with report_site.server(stack.s3, LAKE) as server, serving(server):
        yield f"http://127.0.0.1:{server.server_port}/"


def test_the_front_page_links_to_the_evidently_report(
    browser: webdriver.Chrome, address: str, tmp_path: Path
) -> None:
    browser.get(address)
    statuses = [e.text for e in browser.find_elements(By.CSS_SELECTOR, ".status")]
    sparks = browser.find_elements(By.CSS_SELECTOR, "svg.spark")
    columns = [e.text for e in browser.find_elements(By.CSS_SELECTOR, "th[scope=row]")]
    browser.save_screenshot(str(tmp_path / "index.png"))

    assert statuses == ["alert", "ok", "ok"]
    assert {"trip_distance", "prediction", "PULocationID"} <= set(columns)
    assert all(spark.is_displayed() and spark.size["width"] > 100 for spark in sparks)
    wide = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not browser.execute_script(wide)

    browser.find_element(By.LINK_TEXT, "report").click()
    # Evidently's page is drawn by its script: wait for the content.
    WebDriverWait(browser, _WAIT).until(lambda b: "trip_distance" in b.find_element(By.TAG_NAME, "body").text)
    WebDriverWait(browser, _WAIT).until(lambda b: b.find_elements(By.CSS_SELECTOR, ".js-plotly-plot svg"))
    browser.save_screenshot(str(tmp_path / "report.png"))
    severe = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert [message for message in severe if "favicon" not in message] == []

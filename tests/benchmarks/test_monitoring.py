"""The benchmark of the monitor, with few records."""

from pathlib import Path

import pytest

from benchmarks import monitoring
from contract import layout


@pytest.mark.timeout(300)
def test_every_kind_of_run_is_measured_and_reports_its_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitoring, "ROUNDS", 1)
    reports = []
    forget = monitoring._forget

    def counted(folder: Path) -> None:
        reports.append(len(list((folder / "lake" / layout.REPORTS).rglob("report.json"))))
        forget(folder)

    monkeypatch.setattr(monitoring, "_forget", counted)
    monkeypatch.setattr(monitoring.tempfile, "tempdir", str(tmp_path))
    found = monitoring._measured(5_000)

    assert sorted(found) == ["baseline", "cold", "hourly", "known", "scratch"]
    assert reports == [0, 2], "the runs of the first pair"

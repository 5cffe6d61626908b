"""Slack messages without Slack: the JSON of a sample alert, and a page that shows it.

The page renders the blocks that the notifier uses. It is no copy of Slack's design.
"""

import argparse
import html
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contract.schema import ModelRef
from lambda_monitor.alerts import messages
from lambda_monitor.alerts.messages import Context
from lambda_monitor.alerts.payload import Kind, publishable
from lambda_monitor.alerts.state import State
from lambda_monitor.findings import CheckResult, Status
from lambda_monitor.notifier import notification, slack
from ops.terraform import WORK

OUT = WORK / "slack-preview"
_STYLE = Path(__file__).with_name("slack_preview.css")
_NAME = "scorewatch-green-taxi"
_TOPIC = f"arn:aws:sns:eu-west-1:123456789012:{_NAME}-alerts"
_END = datetime(2026, 3, 2, 12, tzinfo=UTC)
_CHECKS = (
    CheckResult(
        name="drift.feature",
        value=1.84,
        threshold=0.31,
        status="alert",
        columns=["trip_distance"],
        sentence="The mean of trip_distance moved by 1.84 standard deviations of the reference.",
        detail={"statistic": "shift"},
    ),
    CheckResult(
        name="quality.missing",
        value=0.082,
        threshold=0.01,
        status="alert",
        columns=["DOLocationID"],
        sentence="8.2% of the records have no DOLocationID, 0% in the reference.",
    ),
    CheckResult(
        name="outliers",
        value=0.004,
        threshold=0.02,
        status="ok",
        columns=[],
        sentence="0.4% of the records are unusual.",
    ),
)


def sample(kind: Kind) -> dict[str, Any]:
    """Return the message that the notifier would post for a sample alert of that kind."""
    before = State(
        status=Status.OK if kind is Kind.ALERT else Status.ALERT,
        since=_END if kind is Kind.ALERT else _END - timedelta(hours=26),
        window_end=_END,
        first_seen_at=_END,
        severity="" if kind is Kind.ALERT else "critical",
        reported=[] if kind is Kind.ALERT else [check.key for check in _CHECKS[:2]],
    )
    context = Context(
        model=ModelRef(name=_NAME, version="7", run_id=""),
        use_case="green_taxi",
        topic_arn=_TOPIC,
        start=_END - timedelta(hours=24),
        end=_END,
        records=48_213,
        checks=_CHECKS if kind is not Kind.RESOLVED else _CHECKS[2:],
        report=f"s3://{_NAME}-lake-1a2b3c4d/reports/{_NAME}/20260301T120000Z-20260302T120000Z/report.html",
    )
    made = messages.compose(context, kind, before)
    envelope = {
        "MessageId": "1",
        "TopicArn": _TOPIC,
        "Message": publishable(made.alert_id, made.subject, made.text, made.payload),
        "Timestamp": _END.isoformat(),
    }
    found = notification.read(json.dumps(envelope), f"{_NAME}-eu-west-1")
    return slack.message(found, _END)


def page(*posts: Mapping[str, Any]) -> str:
    """Return a page that shows the messages."""
    shown = "".join(f'<div class="post"><b class="app">Scorewatch</b>{_post(post)}</div>' for post in posts)
    style = _STYLE.read_text()
    return f'<!doctype html><meta charset="utf-8"><title>Slack preview</title><style>{style}</style>{shown}'


def _post(post: Mapping[str, Any]) -> str:
    head = "".join(map(_block, post["blocks"]))
    return head + "".join(
        f'<div class="attachment" style="border-color:{a["color"]}">{"".join(map(_block, a["blocks"]))}</div>'
        for a in post["attachments"]
    )


def _block(block: Mapping[str, Any]) -> str:
    """Return one block as HTML. Raises KeyError for a type that the notifier does not use."""
    return {
        "header": lambda: f"<h3>{block['text']['text']}</h3>",
        "section": lambda: f'<div class="fields">{"".join(map(_field, block["fields"]))}</div>',
        "rich_text": lambda: "".join(map(_rich, block["elements"])),
        "actions": lambda: "".join(map(_button, block["elements"])),
        "context": lambda: f"<small>{block['elements'][0]['text']}</small>",
    }[block["type"]]()


def _field(field: Mapping[str, str]) -> str:
    # Slack's text is escaped already, by the same entities as HTML.
    name, _, value = field["text"].partition("\n")
    return f"<div><b>{name.strip('*')}</b><br>{value}</div>"


def _rich(element: Mapping[str, Any]) -> str:
    if element["type"] == "rich_text_list":
        tag = "ol" if element["style"] == "ordered" else "ul"
        return f"<{tag}>{''.join(f'<li>{_runs(section)}</li>' for section in element['elements'])}</{tag}>"
    return f"<p>{_runs(element)}</p>"


def _runs(section: Mapping[str, Any]) -> str:
    found = []
    for run in section["elements"]:
        text = html.escape(run["text"]).replace("\n", "<br>")
        found.append(f"<b>{text}</b>" if run.get("style", {}).get("bold") else text)
    return "".join(found)


def _button(button: Mapping[str, Any]) -> str:
    return f'<a class="button" href="{html.escape(button["url"])}">{button["text"]["text"]}</a>'


def main(arguments: list[str] | None = None) -> None:
    """Write the JSON and the page of a sample alert and its resolution."""
    parser = argparse.ArgumentParser(prog="python -m local.slack_preview", description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT, help=f"folder to write to (default: {OUT})")
    out = parser.parse_args(arguments).out
    out.mkdir(parents=True, exist_ok=True)
    posts = {kind.value: sample(kind) for kind in (Kind.ALERT, Kind.RESOLVED)}
    for name, post in posts.items():
        (out / f"{name}.json").write_text(json.dumps(post, indent=2, ensure_ascii=False) + "\n")
    (out / "slack.html").write_text(page(*posts.values()))
    print(f"Written: {out / 'slack.html'} shows {' and '.join(f'{name}.json' for name in posts)}.")
    print("Next: open the page, or post a file to a webhook: curl --data @alert.json <webhook's URL>")


if __name__ == "__main__":
    main()

"""Posts to a server that throttles, fails, hangs and closes; and the secrecy of the URL."""

import ssl
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from lambda_monitor.notifier import webhook
from lambda_monitor.notifier.webhook import RefusedError, UnavailableError, WebhookError
from tests.lambda_monitor.notifier.conftest import Channel, alert
from tests.lambda_monitor.notifier.strict_slack import PATH
from tests.serving import serving

SECRET = "XXXXsecretXXXX"  # noqa: S105  # of the fake
THROTTLED = (429, {"Retry-After": "1"}, "rate_limited")


def test_retry_after_is_respected(channel: Channel) -> None:
    channel.slack.script = [THROTTLED]
    began = time.monotonic()

    assert channel.deliver(alert()) == "posted"
    assert time.monotonic() - began >= 1
    assert channel.slack.requests == 2


def test_a_longer_retry_after_than_the_time_left_leaves_the_message_in_the_queue(channel: Channel) -> None:
    channel.slack.script = [(429, {"Retry-After": "60"}, "rate_limited")]

    with pytest.raises(UnavailableError, match="429; the next attempt would be after 60 s"):
        channel.deliver(body := alert())
    assert channel.slack.requests == 1
    assert channel.deliver(body) == "posted"


@pytest.mark.parametrize(
    "fault",
    [
        (500, {}, "rollup_error"),
        (503, {}, ""),
        "close",
        0.7,
        (429, {}, ""),
        (429, {"Retry-After": "soon"}, ""),
    ],
)
def test_a_passing_fault_is_tried_again(channel: Channel, fault: object) -> None:
    channel.slack.script = [fault, fault]

    assert channel.deliver(alert()) == "posted"
    assert (channel.slack.requests, len(channel.slack.posted)) == (3, 1)


def test_attempts_end_before_the_functions_time(channel: Channel) -> None:
    channel.slack.script = [(500, {}, "")] * 1000
    began = time.monotonic()
    waits: list[float] = []
    target = webhook.parse(channel.slack.url, ["127.0.0.1"])
    left = 30.0

    def sleep(seconds: float) -> None:
        waits.append(seconds)

    with pytest.raises(UnavailableError, match="answered 500"):
        webhook.post(target, b"{}", lambda: left - sum(waits) - (time.monotonic() - began), sleep)
    assert sum(waits) < 27
    assert waits[-1] > 2 * waits[0]


@pytest.mark.parametrize(
    ("status", "text"),
    [(403, "action_prohibited"), (404, "no_service"), (410, "channel_is_archived"), (302, "moved")],
)
def test_a_refusal_is_not_repeated_and_names_slacks_reason(channel: Channel, status: int, text: str) -> None:
    channel.slack.script = [(status, {"Location": "https://evil.example/"}, f"{text} {PATH}")]

    with pytest.raises(RefusedError, match=f"127.0.0.1 answered {status}: {text}") as raised:
        channel.deliver(alert())
    assert SECRET not in str(raised.value)
    assert channel.slack.requests == 1


def test_a_message_that_slack_finds_malformed_is_posted_in_short(channel: Channel) -> None:
    channel.slack.script = [(400, {}, "invalid_blocks")]

    assert channel.deliver(alert()) == "posted in short"
    [short] = channel.slack.posted
    assert set(short) == {"text"}
    assert "trip_distance drifted" in short["text"]


@pytest.mark.parametrize(
    "fault",
    [
        "close",
        0.7,
        (500, {}, f"at {PATH}"),
        (403, {}, PATH),
        (400, {}, PATH),
        (301, {"Location": PATH}, PATH),
    ],
)
def test_the_url_is_in_no_error_and_no_log(
    channel: Channel, fault: object, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="urllib3")
    channel.slack.script = [fault] * 1000
    with pytest.raises((RefusedError, UnavailableError)) as raised:
        channel.deliver(alert(), seconds=4.0)

    error: BaseException | None = raised.value
    while error is not None:
        assert SECRET not in repr(error)
        assert "B11111111" not in repr(error)
        error = error.__cause__ or error.__context__
    written = "".join(capfd.readouterr()) + caplog.text
    assert SECRET not in written
    assert SECRET not in repr(webhook.parse(channel.slack.url, ["127.0.0.1"]))


BAD_URLS = [
    "",
    "hello",
    "ftp://hooks.slack.com/services/XXXXsecretXXXX",
    "http://hooks.slack.com/services/XXXXsecretXXXX",
    "https://evil.example/services/XXXXsecretXXXX",
    "https://hooks.slack.com.evil.example/XXXXsecretXXXX",
    "https://hooks.slack.com@evil.example/XXXXsecretXXXX",
    "https://169.254.169.254/latest/XXXXsecretXXXX",
    "https://hooks.slack.com/services/XXXXsecretXXXX /x",
    "https://hooks.slack.com/\r\nHost: evil XXXXsecretXXXX",
    "https://logic.azure.com/XXXXsecretXXXX",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_only_https_urls_of_the_channels_hosts_are_posted_to(url: str) -> None:
    with pytest.raises(WebhookError) as raised:
        webhook.parse(url, ["hooks.slack.com", "*.logic.azure.com"])
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["https://hooks.slack.com/services/T/B/x", "https://p.eu.logic.azure.com:443/w?sig=a"]
)
def test_urls_of_the_services_are_taken(url: str) -> None:
    found = webhook.parse(url, ["hooks.slack.com", "*.logic.azure.com"])
    assert f"https://{found.host}{':443' if found.port else ''}{found.path}" == url


def test_a_missing_secret_names_the_secret_and_what_to_do(channel: Channel) -> None:
    channel.secrets.delete_secret(SecretId=channel.secret, ForceDeleteWithoutRecovery=True)

    with pytest.raises(
        WebhookError, match=r"secret arn:\S+notify-team\S+ can't be read \(ResourceNotFound.*put"
    ):
        channel.deliver(alert())


def test_a_changed_url_is_used_at_once(channel: Channel) -> None:
    channel.put_url(channel.slack.url + "old")
    with pytest.raises(RefusedError, match="404: no_service"):
        channel.deliver(body := alert())
    channel.put_url(channel.slack.url + "\n")

    assert channel.deliver(body) == "posted"


def test_a_server_without_a_trusted_certificate_receives_nothing(tmp_path: Path) -> None:
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.path)

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    target = webhook.parse(f"https://127.0.0.1:{server.server_address[1]}{PATH}", ["127.0.0.1"])
    with server, serving(server), pytest.raises(UnavailableError, match="SSLCertVerificationError"):
        webhook.post(target, b"{}", lambda: 3.5)
    assert received == []


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(private + made.public_bytes(pem))
    return path

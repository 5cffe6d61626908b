"""Commands of the documents, and where each one is run."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = tuple(
    path
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
    if path.is_file()
)
SHELL = ("", "bash", "sh")
_COMMAND = re.compile(
    r"([A-Z_]+=\S+ )*(make|\.venv/bin/python|python|aws|eval|export|curl|git|printf|cd|source)\s"
)
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)

_FREE_PORT = "integration-tests/test_localstack.py runs it on a free port"
# Commands that no test runs, with the reason.
NOT_RUN = {
    "AWS_ENDPOINT_URL=http://localhost:4566 make deploy": "needs LocalStack's licensed services",
    "AWS_ENDPOINT_URL=http://localhost:4566 make deploy integration": "needs LocalStack's licensed services",
    "export AWS_PROFILE=... AWS_REGION=eu-west-1": "a placeholder for the user's profile",
    'eval "$(aws configure export-credentials --format env)"': "needs a profile of a real account",
    "curl -X POST": "needs a function URL of a real account; see integration-tests/test_http.py",
    "cd infra && TF_DATA_DIR": "needs a state bucket of a real account",
    "aws s3 mv s3://<bucket>": "needs a state bucket of a real account; tests/ops/test_migration.py makes it",
    "make provider-lock": "needs the provider registry",
    "git add infra/.terraform.lock.hcl": "follows make provider-lock",
    "make integration IMAGES=docker": "needs a Docker engine",
    "make localstack": _FREE_PORT,
    "make localstack PORT=4566": _FREE_PORT,
    "AWS_ENDPOINT_URL=http://localhost:4566 make integration TARGET=localstack": _FREE_PORT,
    "AWS_REGION=eu-west-1 make integration USE_CASE=white_wine": "make integration with other settings",
    "make smoke REMOVE=smoke_1a2b3c4d": "a name that the user fills in; tests/local/test_smoke.py removes",
    "make images": "needs an engine; integration-tests/test_images.py builds as it does",
    "make release IMAGE=repository:tag": "fill in an image; integration-tests/test_release.py releases one",
    "make deploy MINUTES=0": "make deploy without a canary; tests/ops/test_versions.py has it",
    "make lock": "needs the package index; changes the locks",
    "make iam-record": "changes tests/iam/record.json; integration-tests/test_iam.py compares it",
    "make bench-alerts": "takes an hour; changes benchmarks/results.md",
    "make bench-kinds": "changes docs/model-kinds.md; tests/benchmarks/test_model_kinds.py tries the models",
    "make bench-scale": "takes minutes; changes benchmarks/results.md",
    "make meter": "takes minutes; integration-tests/test_meter.py counts a shorter run",
    "make bench-slo": "takes minutes; tests/benchmarks/test_service_levels.py replays fewer outages",
    "make exporter USE_CASE=green_taxi": "serves until Ctrl-C; tests/local/test_exporter.py runs its command",
    "docker run": "needs an engine; integration-tests/test_images.py runs the image",
    "prometheus --config.file": "tests/local/test_prometheus.py starts it on free ports",
    "prometheus-alertmanager --config.file": "tests/local/test_prometheus.py starts it on free ports",
    "make deploy USE_CASE=flight_air_time": "make deploy of another use case",
    "make deploy USE_CASE=cancer": "make deploy of another use case",
    "make deploy USE_CASE=white_wine": "make deploy of another use case",
}

# Commands that a test runs: the test, or the file that names them.
_CI = ".ci/run"
_CHAT = "integration-tests/test_chat.py"
_LOOP = "integration-tests/test_documents.py"
_DEPLOY = "tests/ops/test_documents.py"
_RELEASE = "integration-tests/test_release.py"
_ADOPTION = "integration-tests/test_adoption.py"
_MAKE = "tests/test_makefile.py"
_SHADOW = "integration-tests/test_shadow.py"
_SMOKE = "integration-tests/test_smoke.py"
_TRAINING = "tests/training/test_documents.py"
RUN_BY = {
    "make test": _CI,
    "make lint": _CI,
    "make unit": _CI,
    "make terraform-test": _CI,
    "make conformance": _CI,
    "make iam": "tests/iam/test_command.py",
    "make pictures": "tests/ops/test_dashboard.py",
    "make cost": "tests/benchmarks/test_commands.py",
    "make scale RATE=5000": "tests/benchmarks/test_commands.py",
    "make scale RATE=900 SHARDS=1 FACTOR=2 CONCURRENCY=10": "tests/benchmarks/test_commands.py",
    "make integration": _CI,
    "make integration TARGET=localstack": _CI,
    ".venv/bin/python -m pytest tests/lambda_predict/test_score.py": _CI,
    "make smoke": _SMOKE,
    "make slack-preview": "tests/local/test_slack_preview.py",
    "aws secretsmanager put-secret-value": _CHAT,
    "aws sns publish": _CHAT,
    "make setup": _MAKE,
    "make format": _MAKE,
    "make hooks": "tests/test_hooks.py",
    "make base-lock": "tests/ops/test_base_lock.py",
    "make clean": _MAKE,
    "make purge": _MAKE,
    "make local-down": _MAKE,
    "make help": _LOOP,
    "make local-up": _LOOP,
    "make report": _LOOP,
    "make checks CHECKS=checks.json": _LOOP,
    "make checks CHECKS=bundle": _LOOP,
    "make score FILE=rows.csv": _LOOP,
    "make put FILE=rows.csv": _LOOP,
    "make event FILE=rows.csv": _LOOP,
    "TEST_RUN=true BUNDLE=": _LOOP,
    "make audit": _LOOP,
    "make audit HOURS=3": _LOOP,
    "make drill": _LOOP,
    'eval "$(.venv/bin/python -m local env)"': _LOOP,
    "printf": _LOOP,
    "aws kinesis": _LOOP,
    "aws sts get-caller-identity": _LOOP,
    "make plan": _LOOP,
    "make release": _RELEASE,
    "make release VERSION=4": _RELEASE,
    "make status": _RELEASE,
    "make shadow": _SHADOW,
    "make shadow-compare": _SHADOW,
    "make shadow OFF=1": _SHADOW,
    "make train": _LOOP,
    "make new-use-case NAME=my_model": _LOOP,
    "make demo": "integration-tests/test_demo.py",
    "make demo KEEP=1": "integration-tests/test_demo.py",
    "make demo USE_CASE=white_wine": "integration-tests/test_demo.py",
    "make deploy": _DEPLOY,
    "make deploy USE_CASE=green_taxi": _DEPLOY,
    "make deploy ENVIRONMENT=dev": _DEPLOY,
    ".venv/bin/python -m ops deploy --use-case green_taxi --version 7": _DEPLOY,
    ".venv/bin/python -m ops outputs --use-case green_taxi": _DEPLOY,
    "make destroy": _DEPLOY,
    "make rollback": _DEPLOY,
    "make rollback USE_CASE=green_taxi VERSION=3": _DEPLOY,
    "make rollback USE_CASE=green_taxi VERSION=6": _DEPLOY,
    ".venv/bin/python -m local exporter --bucket": "tests/local/test_exporter.py",
    ".venv/bin/python -m local.report_site": "tests/local/test_report_site.py",
    "make promote": "tests/ops/test_retraining.py",
    "make retrain": "tests/ops/test_retraining.py",
    "python -m training": _TRAINING,
    "source .venv/bin/activate": _TRAINING,
    "make adopt MODEL=models:/cancer@champion REGISTRY=sqlite:///elsewhere.db REFERENCE=validation.csv "
    "ID=patient TARGET=benign": _ADOPTION,
    "python cancer.py": _ADOPTION,
    "make train USE_CASE=cancer": _ADOPTION,
    "make demo USE_CASE=cancer": _ADOPTION,
    "make demo USE_CASE=flight_air_time": "integration-tests/test_tutorial.py",
}


def fenced(page: Path) -> list[str]:
    """Return the shell blocks of a page."""
    return [code for language, code in _FENCE.findall(page.read_text()) if language in SHELL]


def example(page: str, kind: str, word: str = "") -> str:
    """Return the block of that kind, such as json, of a page of docs/ that contains `word`."""
    blocks = _FENCE.findall((ROOT / "docs" / page).read_text())
    [found] = [code for language, code in blocks if language == kind and word in code]
    return found


def inline(page: Path) -> list[str]:
    """Return the code spans of a page, outside its blocks."""
    text = _FENCE.sub("", page.read_text())
    return [span.replace("\\|", "|") for span in re.findall(r"`([^`\n]+)`", text)]


def commands(page: Path) -> Iterator[str]:
    """Yield every command of a page, one line each, without comments."""
    for block in fenced(page):
        joined = re.sub(r"(\\|(?<=\|))\n\s*", " ", block)
        for line in joined.splitlines():
            if command := re.sub(r"\s+#.*", "", line).strip():
                yield re.sub(r"^\w+=\$\((.*)\)$", r"\1", command)
    yield from (span for span in inline(page) if _COMMAND.match(span))


def every() -> list[tuple[Path, str]]:
    """Return every command of every page."""
    return [(page, command) for page in PAGES for command in commands(page)]


def entry(command: str, table: dict[str, str]) -> str | None:
    """Return the entry of a table for a command: its text, or for other programs than make its start."""
    found = [key for key in table if command == key or ("make" not in key and command.startswith(key))]
    return max(found, key=len, default=None)

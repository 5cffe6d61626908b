"""Typed interface to the terraform binary."""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ops.plugins import provider_mirror, with_plugin_settings

__all__ = ["ROOT", "Terraform", "TerraformError", "provider_mirror"]

ROOT = Path(__file__).resolve().parents[1] / "infra"
WORK = ROOT.parent / ".scorewatch"

_TAIL_LINES = 40
_STOP_SECONDS = 60
_PLAN_HAS_CHANGES = 2
_PR_SET_PDEATHSIG = 1


class TerraformError(RuntimeError):
    """Terraform is missing or failed; the message includes its output."""


@dataclass(frozen=True)
class Terraform:
    """A root module in `directory`, with its data, variables and local state in `state_dir`.

    `env` is terraform's whole environment; it selects the AWS account. `backend_config` is for a root
    with an overridden backend; without it the state is a local file. `var_files` are the user's; the
    variables of a method call override them.
    """

    directory: Path
    state_dir: Path
    env: Mapping[str, str] = field(repr=False)
    backend_config: Mapping[str, str] = field(default_factory=dict)
    var_files: tuple[Path, ...] = ()
    progress: Callable[[str], None] = print

    def init(self, *, backend: bool = True) -> None:
        """Fetch the provider and modules. Raises TerraformError."""
        settings = [f"-backend-config={key}={value}" for key, value in self.backend_config.items()]
        self._run("init", "-input=false", "-no-color", *(settings if backend else ["-backend=false"]))

    def lock_providers(self, platforms: Sequence[str]) -> None:
        """Write the provider hashes of `platforms`, from the registry, to the lock file.

        Raises TerraformError.
        """
        self._run("providers", "lock", "-no-color", *(f"-platform={platform}" for platform in platforms))

    def apply(self, variables: Mapping[str, Any]) -> None:
        """Apply with `variables`; report one line per resource. Raises TerraformError."""
        self._stream("apply", *self._inputs(variables), *self._state())

    def destroy(self, variables: Mapping[str, Any]) -> None:
        """Remove everything in the state. Raises TerraformError."""
        self._stream("destroy", *self._inputs(variables), *self._state())

    def outputs(self) -> dict[str, Any]:
        """Return the outputs by name, empty before the first apply. Raises TerraformError."""
        outputs = json.loads(self._run("output", "-json", *self._state()))
        return {name: output["value"] for name, output in outputs.items()}

    def plan_is_empty(self, variables: Mapping[str, Any]) -> bool:
        """Return whether an apply would change nothing; report planned changes.

        Raises TerraformError.
        """
        arguments = ("plan", "-json", "-detailed-exitcode", *self._inputs(variables), *self._state())
        return self._follow(arguments, accept=(0, _PLAN_HAS_CHANGES)) == 0

    def plan(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Return the plan of an apply in `terraform show -json` format. Raises TerraformError."""
        file = self.state_dir / "scorewatch.tfplan"
        try:
            self._run("plan", "-no-color", f"-out={file.resolve()}", *self._inputs(variables), *self._state())
            found: dict[str, Any] = json.loads(self._run("show", "-json", str(file.resolve())))
        finally:
            # It holds every value, the sensitive ones too.
            file.unlink(missing_ok=True)
        return found

    def evaluate(self, expression: str, variables: Mapping[str, Any]) -> Any:
        """Return the value of an expression over the variables. Raises TerraformError."""
        inputs = [argument for argument in self._inputs(variables) if argument != "-input=false"]
        answer = self._run("console", *inputs, *self._state(), stdin=f"jsonencode({expression})\n")
        return json.loads(json.loads(answer))

    def validate(self) -> None:
        """Check the configuration. Raises TerraformError."""
        self._run("validate", "-no-color")

    def fmt_check(self) -> None:
        """Check the canonical format. Raises TerraformError with the names of other files."""
        code, output, errors = self._capture(("fmt", "-check", "-recursive", "-no-color"))
        if code:
            raise TerraformError(
                f"not in terraform's canonical format (run make format):\n{(output + errors).strip()}"
            )

    def test(self) -> None:
        """Run the tests in `tests/`; report one line per run. Raises TerraformError."""
        tail: deque[str] = deque(maxlen=_TAIL_LINES)
        with self._process(("test", "-no-color")) as process:
            for line in _lines(process):
                tail.append(line)
                self.progress(line)
            code = process.wait()
        if code:
            raise TerraformError("terraform test failed:\n" + "\n".join(tail))

    def last_variables(self) -> dict[str, Any]:
        """Return the variables that the last command of this machine was given, empty before the first."""
        file = self._variables_file
        found: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
        return found

    @property
    def _variables_file(self) -> Path:
        return self.state_dir / "scorewatch.tfvars.json"

    @property
    def state_file(self) -> Path:
        """State file, used if no backend is configured."""
        return self.state_dir / "terraform.tfstate"

    def _state(self) -> tuple[str, ...]:
        return () if self.backend_config else (f"-state={self.state_file.resolve()}",)

    def _inputs(self, variables: Mapping[str, Any]) -> tuple[str, ...]:
        self.state_dir.mkdir(parents=True, exist_ok=True)
        file = self._variables_file
        file.write_text(json.dumps(dict(variables), indent=2, sort_keys=True) + "\n")
        return ("-input=false", *(f"-var-file={path.resolve()}" for path in (*self.var_files, file)))

    def _stream(self, command: str, *arguments: str) -> None:
        self._follow((command, "-json", "-auto-approve", *arguments), accept=(0,))

    def _follow(self, arguments: tuple[str, ...], accept: tuple[int, ...]) -> int:
        """Run a command with JSON output, report its events, return an accepted exit code."""
        errors: list[str] = []
        tail: deque[str] = deque(maxlen=_TAIL_LINES)
        with self._process(arguments) as process:
            for line in _lines(process):
                event = _event(line)
                tail.append(event.get("@message", line))
                if event.get("type") == "diagnostic" and event["diagnostic"]["severity"] == "error":
                    errors.append(_diagnostic(event["diagnostic"]))
                elif text := _progress(event, arguments[0]):
                    self.progress(text)
            code = process.wait()
        if code not in accept:
            raise TerraformError(f"terraform {arguments[0]} failed:\n" + "\n".join(errors or tail))
        return code

    def _run(self, *arguments: str, stdin: str | None = None) -> str:
        code, output, errors = self._capture(arguments, stdin)
        if code:
            tail = "\n".join((output + errors).strip().splitlines()[-_TAIL_LINES:])
            raise TerraformError(f"terraform {arguments[0]} failed:\n{tail}")
        return output

    def _capture(self, arguments: tuple[str, ...], stdin: str | None = None) -> tuple[int, str, str]:
        with self._process(arguments, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            output, errors = process.communicate(stdin)
            return process.returncode, output, errors

    @contextmanager
    def _process(
        self,
        arguments: tuple[str, ...],
        stdin: int = subprocess.DEVNULL,
        stderr: int = subprocess.STDOUT,
    ) -> Iterator["subprocess.Popen[str]"]:
        binary = shutil.which("terraform", path=self.env.get("PATH", os.defpath))
        if binary is None:
            raise TerraformError(
                "terraform was not found: install 1.11 or newer, https://developer.hashicorp.com/terraform/install"
            )
        # A separate session: terraform receives one interrupt, from _stop; a second would abort it.
        process = subprocess.Popen(
            [binary, *arguments],
            cwd=self.directory,
            env=self._environment(),
            text=True,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  one system call
        )
        try:
            yield process
        finally:
            _stop(process)

    def _environment(self) -> dict[str, str]:
        env = with_plugin_settings(self.env, self.state_dir, WORK / "cache/terraform-plugins")
        env |= {
            "TF_DATA_DIR": str((self.state_dir / "terraform-data").resolve()),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
        }
        return env


def _end_with_parent() -> None:
    """Have the kernel interrupt terraform if this process is killed, so that it saves its state."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _lines(process: "subprocess.Popen[str]") -> Iterator[str]:
    if process.stdout is None:
        raise TerraformError("terraform was started without an output pipe")
    for line in process.stdout:
        yield line.rstrip("\n")


def _stop(process: "subprocess.Popen[str]") -> None:
    """Interrupt a running process, which saves its state; kill it and its plugins on a timeout."""
    if process.stdout is not None and process.poll() is not None:
        process.stdout.close()
        return
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except json.JSONDecodeError:  # output before the JSON view starts: shown unchanged
        return {}
    return event if isinstance(event, dict) else {}


def _progress(event: Mapping[str, Any], command: str) -> str | None:
    """Return the progress line of an event, None for events that are not shown."""
    match event.get("type"):
        case "apply_complete" if event["hook"]["action"] != "read":
            hook = event["hook"]
            return f"  {hook['action']}d {hook['resource']['addr']} ({hook.get('elapsed_seconds', 0):.0f}s)"
        case "planned_change" if command == "plan":
            return f"  would {event['change']['action']} {event['change']['resource']['addr']}"
        case "change_summary" | "apply_errored":
            return f"  {event['@message']}"
        case _:
            return None


def _diagnostic(diagnostic: Mapping[str, Any]) -> str:
    where = diagnostic.get("address") or diagnostic.get("range", {}).get("filename", "")
    return "\n".join(
        part for part in (f"{diagnostic['summary']} [{where}]", diagnostic.get("detail", "")) if part
    )

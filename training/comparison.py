"""The champion beside another version, for review in a pull request."""

import shutil
from pathlib import Path

from mlflow.tracking import MlflowClient

from training import registry, store
from training.tracking import CHALLENGER, CHAMPION, RegistryError, Version, by_alias, version_of
from training.use_case import UseCase


def pair(client: MlflowClient, use_case: UseCase) -> tuple[Version | None, Version]:
    """Return the champion, if any, and the version to review: the challenger, else the newest.

    Raises RegistryError without a version.
    """
    champion = by_alias(client, use_case.model_name, CHAMPION)
    reviewed = by_alias(client, use_case.model_name, CHALLENGER)
    if reviewed is None:
        found = client.search_model_versions(f"name = '{use_case.model_name}'")
        if not found:
            raise RegistryError(
                f"{use_case.model_name} has no version: run make train USE_CASE={use_case.name}"
            )
        reviewed = version_of(max(found, key=lambda version: int(version.version)))
    return champion, reviewed


def markdown(client: MlflowClient, use_case: UseCase) -> str:
    """Return a Markdown table of the validation metrics of both versions. Raises RegistryError."""
    champion, reviewed = pair(client, use_case)
    run = client.get_run(reviewed.run_id)
    theirs = client.get_run(champion.run_id).data.metrics if champion else {}
    live = f"champion {champion.version}" if champion else "no champion"
    lines = [
        f"### {use_case.title}: version {reviewed.version} beside {live}",
        "",
        f"Gate: {run.data.tags.get('gate', 'not asked')}. Rows: {run.data.tags.get('source', 'unknown')}.",
        "",
        f"| metric on validation rows | version {reviewed.version} | {live} |",
        "|---|---|---|",
    ]
    for name, value in sorted(run.data.metrics.items()):
        other = f"{theirs[name]:.4g}" if name in theirs else ""
        lines.append(f"| {name} | {value:.4g} | {other} |")
    return "\n".join(lines) + "\n"


def save_reports(client: MlflowClient, use_case: UseCase, folder: Path) -> list[Path]:
    """Write the training page of both versions, with pictures, to `folder`; return the files.

    Raises RegistryError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for version in pair(client, use_case):
        if version is None:
            continue
        with registry.artifact(version, f"{registry.REPORT}/{store.PAGE}") as page:
            written[version.version] = Path(shutil.copy(page, folder / f"version-{version.version}.html"))
    return list(written.values())

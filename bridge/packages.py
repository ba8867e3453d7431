"""Whether the packages that the service needs are installed, and whether `bridge` and `workers` are ours."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution, distributions
from importlib.util import find_spec
from pathlib import Path

from bridge.errors import WrongPackage

OURS = "rally-bridge"
SERVER = "server"
"""The extra that brings what the service needs."""
TOP_LEVEL = ("bridge", "workers")
CODE = {".py", ".lua"}
HOME = Path(__file__).parents[1]
"""The directory from which this process has imported `bridge`."""

INSTALL = f"pip install '{OURS}[{SERVER}]'"
REINSTALL = f"pip install --force-reinstall --no-deps {OURS}"

_REQUIRED_BY_SERVER = re.compile(rf"""([A-Za-z0-9._-]+)[^;]*;\s*extra\s*==\s*['"]{SERVER}['"]\s*""")
"""A requirement of the extra on every platform, as the metadata of a distribution has it."""


COMMIT = "RALLY_BRIDGE_COMMIT"
"""The variable in which the image has its commit."""


def version_text(environ: Mapping[str, str]) -> str:
    """Return the version with its commit, where that is known."""
    commit = environ.get(COMMIT) or commit_in(distribution(OURS).read_text("direct_url.json"))
    version = distribution(OURS).version
    return version if commit is None else f"{version} (commit {commit})"


def commit_in(direct_url: str | None) -> str | None:
    """Return the commit that pip notes of an installation from a repository; None of any other.

    Source: https://packaging.python.org/en/latest/specifications/direct-url/
    """
    noted: Mapping[str, Mapping[str, str]] = json.loads(direct_url or "{}")
    return noted.get("vcs_info", {}).get("commit_id")


def missing_from_server() -> list[str]:
    """Return the packages of the extra `server` that are not installed."""
    requirements = distribution(OURS).requires or []
    named = [found[1] for each in requirements if (found := _REQUIRED_BY_SERVER.fullmatch(each))]
    return [name for name in named if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def check_own_files() -> None:
    """Raise WrongPackage if another distribution has replaced or removed files of `bridge` or `workers`.

    The same if Python finds another package in their place. Files that someone has edited are left to them.
    """
    ours = distribution(OURS)
    if changed := [each for each in _files_of(ours) if not _is_unchanged(each)]:
        _check_changed(ours, changed)
    for name in TOP_LEVEL:
        if (found := _location_of(name)) != HOME / name:
            raise WrongPackage(_shadowed(name, found))


def _files_of(installed: Distribution) -> Iterator[PackagePath]:
    """Yield the code below `bridge` and `workers` that a distribution has brought."""
    for each in installed.files or []:
        if each.parts[0] in TOP_LEVEL and each.suffix in CODE:
            yield each


def _is_unchanged(file: PackagePath) -> bool:
    if file.hash is None:
        return True
    try:
        content = file.read_binary()
    except OSError:
        return False
    digest = hashlib.new(file.hash.mode, content).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=") == file.hash.value


def _check_changed(ours: Distribution, changed: list[PackagePath]) -> None:
    """Raise WrongPackage if files that are not as installed belong to another distribution, or are gone."""
    places = {_place(each) for each in changed}
    owners = [each for each in _others() if not places.isdisjoint(map(_place, _files_of(each)))]
    if owners:
        removal = "; ".join(f"pip uninstall {each.metadata['Name']}" for each in owners)
        raise WrongPackage(
            f"{' and '.join(map(_name, owners))} has replaced files of {_name(ours)}, such as {changed[0]}. "
            f"Remedy: {removal}; {REINSTALL}"
        )
    if gone := [each for each in changed if not _place(each).exists()]:
        raise WrongPackage(f"Files of {_name(ours)} are missing, such as {gone[0]}. Remedy: {REINSTALL}")


def _shadowed(name: str, found: Path | None) -> str:
    """Describe a package that is found before ours, or not at all."""
    if found is None:
        return f"The package {name} of {OURS} is missing. Remedy: {REINSTALL}"
    owners = [_name(each) for each in _others() if found in map(_package_of, _files_of(each))]
    owner = f", of {' and '.join(owners)}" if owners else ""
    return (
        f"Python finds another package {name} before that of {OURS}: {found}{owner}. "
        "Remedy: start in another directory, or take it out of PYTHONPATH or of this environment."
    )


def _location_of(name: str) -> Path | None:
    """Return the directory or file that `import name` finds, without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin


def _place(file: PackagePath) -> Path:
    return Path(str(file.locate()))


def _package_of(file: PackagePath) -> Path:
    """Return the directory of the top-level package of a file."""
    return _place(file).parents[len(file.parts) - 2]


def _others() -> Iterator[Distribution]:
    return (each for each in distributions() if each.metadata["Name"] != OURS)


def _name(installed: Distribution) -> str:
    return f"{installed.metadata['Name']} {installed.version}"

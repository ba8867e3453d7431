"""Installed distributions made by hand: a directory for sys.path, with the records that pip would have written."""

import base64
import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

HOME = Path(__file__).parents[2]


def install_ours(site: Path, *, requires: Sequence[str] = ()) -> None:
    """Install a copy of the source as rally-bridge."""
    for name in ("bridge", "workers"):
        shutil.copytree(HOME / name, site / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.move(site / "bridge" / "cli" / "start.py", site / "rally_bridge.py")  # as in the wheel
    files = sorted(path for path in site.rglob("*") if path.is_file())
    record(site, "rally-bridge", [str(path.relative_to(site)) for path in files], requires=requires)


def install(site: Path, name: str, files: Mapping[str, str]) -> None:
    """Install another distribution; as pip does, over the files that are there."""
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text)
    record(site, name, list(files))


def record(site: Path, name: str, files: Sequence[str], *, requires: Sequence[str] = ()) -> None:
    info = site / f"{name.replace('-', '_')}-7.0.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.4", f"Name: {name}", "Version: 7.0", *(f"Requires-Dist: {each}" for each in requires)]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    (info / "RECORD").write_text("".join(f"{path},sha256={_digest(site / path)},\n" for path in files))


def _digest(path: Path) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).decode().rstrip("=")

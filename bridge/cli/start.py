"""The command `rally-bridge`, installed as the module `rally_bridge`.

The wheel has it outside of `bridge`, so that it also runs if Python finds another package `bridge` before ours, and
names that one. It must not import anything of ours before it has looked.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

MARK = Path("store", "scripts", "watches", "settle.lua")
"""A file that no other package `bridge` has."""
REMEDY = "Remedy: start in another directory, or take it out of PYTHONPATH or of this environment."


def main() -> None:
    """Run the command line; exit with 2 if the package `bridge` is not ours."""
    spec = find_spec("bridge")
    found = Path(spec.origin).parent if spec is not None and spec.origin is not None else None
    if found is not None and not (found / MARK).is_file():
        print(f"Python finds another package bridge before that of rally-bridge: {found}. {REMEDY}", file=sys.stderr)
        sys.exit(2)
    try:
        from bridge.cli import main as command  # noqa: PLC0415 - after the check
    except ImportError:
        _explain_replaced_files()
        raise
    command()


def _explain_replaced_files() -> None:
    """Exit with 2 if another distribution has replaced our files, so that they can't be imported."""
    from bridge import packages  # noqa: PLC0415 - as above
    from bridge.errors import WrongPackage  # noqa: PLC0415

    try:
        packages.check_own_files()
    except WrongPackage as found:
        print(found, file=sys.stderr)
        sys.exit(2)

"""The commands `deploy systemd` and `deploy kubernetes`."""

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import yaml

from bridge.cli.deploy.kubernetes import NAME, SETTINGS, manifests
from bridge.cli.deploy.parts import PARTS, REQUIRED_SECRETS, SECRETS_FOLDER
from bridge.cli.deploy.systemd import unit
from bridge.settings.model import SECRETS
from bridge.version import VERSION

WORD = re.compile(r"[^\s'\"%$\\;]+")
USUAL_PROGRAM = "/opt/rally-bridge/bin/rally-bridge"
BEFORE_APPLYING = f"""\
# Before `kubectl apply`, create these; each file of the folder `secrets` is named like its variable:
#   kubectl create secret generic {NAME} --from-file=secrets/
#   kubectl create configmap {NAME} --from-file=bridge.toml
# Optionally, the settings that are not secret:
#   kubectl create configmap {SETTINGS} --from-env-file=settings.env
"""


@click.group("deploy")
def group() -> None:
    """Print what another program needs to run the bridge."""


def secrets_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--secret",
        "secrets",
        multiple=True,
        default=REQUIRED_SECRETS,
        show_default=True,
        type=click.Choice([name.upper() for name in SECRETS]),
        help=f"A setting that is read from the file of its name in {SECRETS_FOLDER}; repeat it for each of them.",
    )(command)


def _word(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Refuse what systemd would not read as one word."""
    if value is not None and not WORD.fullmatch(value):
        raise click.BadParameter("It must have no blanks, quotes, % or $.")
    return value


@group.command("systemd")
@click.argument("part", type=click.Choice(list(PARTS)))
@secrets_option
@click.option("--host", default="127.0.0.1", show_default=True, callback=_word, help="Address that the API listens on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Port that the API listens on."
)
@click.option(
    "--program",
    default=None,
    callback=_word,
    help="The path of the program rally-bridge.  [default: this one]",
    metavar="PATH",
)
def systemd(part: str, secrets: tuple[str, ...], host: str, port: int, program: str | None) -> None:
    """Print the unit of the API (web) or of workers (worker).

    That of workers is a template: rally-bridge-worker@1, rally-bridge-worker@2 and so on run one each.
    """
    click.echo(unit(PARTS[part], program=program or _this_program(), listen=(host, port), secrets=secrets))


def _this_program() -> str:
    return shutil.which("rally-bridge", path=str(Path(sys.executable).parent)) or USUAL_PROGRAM


@group.command("kubernetes")
@secrets_option
@click.option("--image", default=f"{NAME}:{VERSION}", show_default=True, help="The image, as the cluster pulls it.")
def kubernetes(secrets: tuple[str, ...], image: str) -> None:
    """Print the manifests, for `kubectl apply -f -`."""
    click.echo(BEFORE_APPLYING, nl=False)
    yaml.safe_dump_all(manifests(image=image, secrets=secrets), sys.stdout, sort_keys=False, explicit_start=True)

"""JSON on stdout, for programs."""

import json
import sys
from typing import Any

import click


def print_json(document: Any) -> None:
    encoding = str(getattr(sys.stdout, "encoding", ""))
    readable = encoding.lower().startswith("utf")  # other encodings get JSON's escapes
    click.echo(json.dumps(document, ensure_ascii=not readable, indent=2))

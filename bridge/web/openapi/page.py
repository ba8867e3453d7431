"""The OpenAPI document at `/openapi.json`, and the HTML page at `/docs` that is generated from it."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bridge.web.json_response import ApiResponse
from bridge.web.refusals import Refusal
from bridge.web.routing import resource

_STYLE = (files("bridge.web.openapi") / "templates" / "docs.css").read_text()
_ALLOWED = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_ALLOWED}'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'"
)
_KEPT = {"Cache-Control": "public, max-age=300"}


def described(routes: Sequence[Route], guides: Mapping[str, str]) -> list[Route]:
    """Return the routes of `/openapi.json` and `/docs`, which are built at the first request.

    `/` and `/docs/` redirect to `/docs`. `guides` maps the name of each guide to the text of the link to it.
    """

    @cache
    def document() -> dict[str, Any]:
        from bridge.web.openapi.document import describe  # noqa: PLC0415 - with its types, 1 MB of memory

        return describe(routes)

    @cache
    def page() -> str:
        from bridge.web.openapi import examples  # noqa: PLC0415 - only for the pages
        from bridge.web.openapi.curl_examples import calls_by_tag  # noqa: PLC0415 - likewise

        tags = calls_by_tag(document())
        start = next(call for calls in tags.values() for call in calls).curl(examples.FIRST_WATCH)
        return render("docs.html", document=document(), tags=tags, start=start, refusals=list(Refusal), guides=guides)

    async def openapi(_: Request) -> Response:
        return ApiResponse(document(), headers=_KEPT)

    async def docs(_: Request) -> Response:
        return html_page(page())

    async def start(_: Request) -> Response:
        return RedirectResponse("/docs")

    return [
        resource("/", GET=start),
        resource("/docs", GET=docs),
        resource("/docs/", GET=start),
        resource("/openapi.json", GET=openapi),
    ]


def html_page(content: str) -> Response:
    """Return a page whose security policy allows its own style sheet and nothing else."""
    return HTMLResponse(content, headers=_KEPT | {"Content-Security-Policy": _POLICY})


def render(template: str, **values: Any) -> str:
    """Return the HTML of a template."""
    import jinja2  # noqa: PLC0415 - only for the pages

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bridge.web.openapi", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"words": words, "json": partial(json.dumps, indent=2, ensure_ascii=False)}
    html: str = environment.get_template(template).render(style=_STYLE, **values)
    return html


Piece = dict[str, str]
"""A `text`, with a `link` if it is the name of a schema."""


def words(schema: dict[str, Any]) -> list[Piece]:
    """Describe in words which values a schema accepts."""
    match schema:
        case {"$ref": str(reference)}:
            name = reference.rpartition("/")[2]
            return [{"text": name, "link": f"#{name}"}]
        case {"anyOf": [*ways]} | {"oneOf": [*ways]}:
            first, *others = [words(way) for way in ways]
            return [*first, *(piece for other in others for piece in [{"text": " | "}, *other])]
        case {"type": "array", "items": dict(items)}:
            return [{"text": "list of "}, *words(items)]
        case _:
            return [{"text": _plainly(schema)}]


_LIMITS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "from {}",
    "maximum": "to {}",
}


def _plainly(schema: dict[str, Any]) -> str:
    values = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if values:
        return " | ".join(f"“{value}”" for value in values)
    kinds = schema.get("format") or schema.get("type", "anything")
    name = kinds if isinstance(kinds, str) else " | ".join(kinds)
    limits = [text.format(schema[limit]) for limit, text in _LIMITS.items() if limit in schema]
    return f"{name} ({', '.join(limits)})" if limits else name

"""The guides: the Markdown files of `bridge/docs`, served as HTML pages under `/docs/`."""

import re
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files
from itertools import pairwise
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.web.openapi.page import html_page, render
from bridge.web.routing import resource

GUIDES = {
    "api": "API: watches and deliveries over HTTP",
    "shell": "Shell: the commands, exit codes, scripts and completion",
    "python": "Python: the client, its errors and retries",
    "callbacks": "Callbacks: what they contain and how to verify them",
    "slack": "Slack: channels, webhooks and what the messages say",
    "push": "Push: Rally's own webhook, and rules for imports that nobody watches",
    "configuration": "Configuration: every setting with its default",
    "console": "Console: pages for a browser, and who may see what",
    "operations": "Operations: running, monitoring and repairing it",
    "runbook": "Runbook: what each alert means and what to do",
    "security": "Security: keys, clients and where messages may go",
    "architecture": "Architecture: how it works, and its glossary",
    "measured": "Measured: benchmarks, the soak test and known limits",
}
"""The names of the files, in reading order, each with the text of the link to it."""

IMAGES = ("console-overview.png", "console-watches.png", "console-watch.png")
"""The images in the guides."""

_MARKERS = re.compile(r"^<!-- .* -->\n", re.MULTILINE)
"""The comments that mark the recipes which the tests run."""
_LINKS = re.compile(r"^(?:(?P<guide>[a-z]+)\.md)?(?P<anchor>#.*)?$")
"""The links within a guide and to another one: `#limits`, `slack.md`, `slack.md#limits`."""


def guide_routes() -> Sequence[Route]:
    """Return a route for each guide and each image in one; a page is rendered at its first request."""
    return [*(_route(name) for name in GUIDES), *(_image_route(name) for name in IMAGES)]


def _image_route(name: str) -> Route:
    async def show(_: Request) -> Response:
        content = (files("bridge") / "docs" / "images" / name).read_bytes()
        return Response(content, media_type="image/png", headers={"Cache-Control": "public, max-age=300"})

    return resource(f"/docs/images/{name}", GET=show)


def _route(name: str) -> Route:
    @cache
    def page() -> str:
        title, body = to_html(read(name))
        return render("guide.html", title=title, body=body, guides=GUIDES, current=name)

    async def show(_: Request) -> Response:
        return html_page(page())

    return resource(f"/docs/{name}", GET=show)


def read(name: str) -> str:
    """Return the Markdown text of a guide."""
    return (files("bridge") / "docs" / f"{name}.md").read_text("utf-8")


def to_html(text: str) -> tuple[str, str]:
    """Return the title of a guide and its HTML.

    HTML in the text is escaped. Headings get the anchors that GitHub gives them, and links to other guides become
    paths of this service.
    """
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only for the pages

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("fence", _code)
    tokens = markdown.parse(_MARKERS.sub("", text))
    title = ""
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", anchor(inline.content))
            title = title or inline.content
        for child in inline.children or []:
            if child.type == "link_open" and (link := _LINKS.match(str(child.attrGet("href")))):
                child.attrSet("href", _path(link))
            if child.type == "image":
                child.attrSet("src", f"/docs/{child.attrGet('src')}")
    return title, markdown.renderer.render(tokens, markdown.options, {})


def _code(_renderer: object, tokens: Sequence[Any], index: int, *_: object) -> str:
    """Return a block of code that the keyboard can reach, as it may have to be scrolled."""
    return f'<pre tabindex="0" role="group" aria-label="Code"><code>{escape(tokens[index].content)}</code></pre>\n'


def anchor(heading: str) -> str:
    """Return the anchor of a heading, formed as GitHub does it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _path(link: re.Match[str]) -> str:
    path = f"/docs/{link['guide']}" if link["guide"] else ""
    return path + (link["anchor"] or "")

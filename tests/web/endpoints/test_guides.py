"""The guides: each is served as HTML, every link leads somewhere, and what they name exists."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from bridge.domain.notices.workspace_events import WorkspaceEvent
from bridge.domain.notifications import TYPES
from bridge.metrics.catalogue import METRICS
from bridge.web.app import API_ROUTES
from bridge.web.endpoints.guides import GUIDES, IMAGES, anchor, read, to_html
from bridge.web.openapi.document import NOTICES, OF_SEVERAL_IMPORTS, TEST, describe
from tests.support.world import World

HOME = Path(__file__).parents[3]
DOCS = HOME / "bridge" / "docs"
FILES = [HOME / "README.md", HOME / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]
NAMES = [str(path.relative_to(HOME)) for path in FILES]
SOURCE = re.compile(r"`((?:bridge|workers|tests)/[\w./]*)`")
"""A file or folder of the repository."""

pytestmark = pytest.mark.anyio


@cache
def links(path: Path) -> list[str]:
    """Return the targets of all links in a Markdown file."""
    tokens = MarkdownIt("commonmark").enable("table").parse(path.read_text())
    children = [child for token in tokens for child in token.children or []]
    return [str(child.attrGet("href")) for child in children if child.type == "link_open"]


@cache
def anchors(path: Path) -> list[str]:
    tokens = MarkdownIt("commonmark").parse(path.read_text())
    openings = [number for number, token in enumerate(tokens) if token.type == "heading_open"]
    return [anchor(tokens[number + 1].content) for number in openings]


def broken(path: Path) -> list[str]:
    """Return the links in a file whose file or anchor does not exist; addresses on the web are not tried."""
    found = []
    for link in links(path):
        if link.startswith("https://"):
            continue
        name, _, place = link.partition("#")
        target = (path.parent / name) if name else path
        if not target.exists() or (place and place not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_link_has_an_existing_file_and_anchor(name: str) -> None:
    assert broken(HOME / name) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A title\n\n[1](b.md) [2](#a-title) [3](#b) [4](a.md#a-title) [5](a.md#c)\n")
    assert broken(tmp_path / "a.md") == ["b.md", "#b", "a.md#c"]


@pytest.mark.parametrize("name", NAMES)
def test_no_two_headings_of_a_page_have_the_same_anchor(name: str) -> None:
    found = anchors(HOME / name)
    assert len(found) == len(set(found))


def test_every_guide_is_served_and_linked_from_the_readme() -> None:
    assert {path.stem for path in DOCS.glob("*.md")} == GUIDES.keys()
    assert {f"bridge/docs/{name}.md" for name in GUIDES} <= set(links(HOME / "README.md"))


async def test_every_image_of_a_guide_is_small_and_served(world: World) -> None:
    files = {path.name: path.stat().st_size for path in (DOCS / "images").iterdir()}
    assert files.keys() == set(IMAGES)
    assert max(files.values()) < 60_000
    shown = [
        src for name in GUIDES for src in re.findall(r'<img src="([^"]*)"', (await world.api.get(f"/docs/{name}")).text)
    ]
    assert set(shown) == {f"/docs/images/{name}" for name in IMAGES}
    for src in shown:
        image = await world.api.get(src)
        assert (image.status_code, image.headers["content-type"]) == (200, "image/png")


def test_the_readme_stays_short() -> None:
    assert len((HOME / "README.md").read_text().splitlines()) <= 220


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_links_only_to_guides_and_the_web(name: str) -> None:
    """The service does not serve other files of the repository."""
    served = re.compile(r"https://.*|(?:(?:" + "|".join(GUIDES) + r")\.md)?(?:#.*)?")
    assert [link for link in links(DOCS / f"{name}.md") if not served.fullmatch(link)] == []


async def test_the_reference_and_every_guide_link_to_all_guides(world: World) -> None:
    reference = await world.api.get("/docs")
    for name in GUIDES:
        page = await world.api.get(f"/docs/{name}")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert page.headers["content-security-policy"] == reference.headers["content-security-policy"]
        assert page.text.count("<style>") == reference.text.count("<style>") == 1
        assert f'<a href="/docs/{name}">' in reference.text
        assert '<a href="/docs">' in page.text
        assert "<!--" not in page.text
        assert "&lt;!--" not in page.text, "the markers of recipes are left out"
    assert (await world.api.get("/docs/nothing")).status_code == 404
    assert (await world.api.get("/docs/../docs/api.md")).status_code == 404


async def test_every_link_of_a_served_guide_has_an_existing_page_and_anchor(world: World) -> None:
    pages = {f"/docs/{name}": (await world.api.get(f"/docs/{name}")).text for name in GUIDES}
    pages["/docs"] = (await world.api.get("/docs")).text
    wrong = []
    for path, text in pages.items():
        for link in re.findall(r'href="([^"]*)"', text):
            name, _, place = link.partition("#")
            if link.startswith("https://") or link in {"/openapi.json", "data:,"}:  # the last is the empty icon
                continue
            target = pages.get(name or path)
            if target is None or (place and f'id="{place}"' not in target):
                wrong.append((path, link))
    assert wrong == []


def test_html_in_a_guide_is_escaped() -> None:
    _, body = to_html("# T\n\n<script>alert(1)</script>\n\na <b>b</b> [c](javascript:alert(1))\n")
    assert "<script" not in body
    assert "<b>" not in body
    assert "href" not in body


def test_headings_get_the_anchors_of_github() -> None:
    title, body = to_html("# The `API`, in short\n\n## What's new? A_b-c\n\n[x](slack.md#a-bot) [y](#z) [w](api.md)\n")
    assert title == "The `API`, in short"
    assert '<h1 id="the-api-in-short">' in body
    assert '<h2 id="whats-new-a_b-c">' in body
    assert re.findall(r'href="([^"]*)"', body) == ["/docs/slack#a-bot", "#z", "/docs/api"]


def test_the_architecture_guide_names_files_that_exist() -> None:
    named = SOURCE.findall(read("architecture"))
    assert len(named) > 30
    assert [path for path in named if not (HOME / path).exists()] == []


def test_the_api_guide_names_every_call() -> None:
    named = read("api").replace("{id}", "{watch_id}") + read("api").replace("{id}", "{delivery_id}")
    calls = {(method.upper(), path) for path, methods in describe(API_ROUTES)["paths"].items() for method in methods}
    absent = {call for call in calls if f"`{' '.join(call)}" not in named and f"`{call[1]}`" not in named}
    assert absent == set()


def test_the_callbacks_guide_names_every_type_of_message() -> None:
    types = (*TYPES.values(), TEST, *NOTICES, *OF_SEVERAL_IMPORTS)
    assert [type_ for type_ in types if f"`{type_}`" not in read("callbacks")] == []


def test_the_architecture_guide_describes_every_folder() -> None:
    described = set(re.findall(r"^\| `([\w/]+)/` \|", read("architecture"), re.MULTILINE))
    files = [
        path for part in ("bridge", "workers") for path in (HOME / part).rglob("*") if path.suffix in {".py", ".lua"}
    ]
    assert {str(path.parent.relative_to(HOME)) for path in files} - {"bridge"} == described


def test_the_architecture_guide_lists_every_change_of_arq_and_redis_py() -> None:
    links = re.compile(r"https://github\.com/(?:python-arq/arq|redis/redis-py)/(?:issues|pull)/\d+")
    code = {
        link
        for part in ("bridge", "workers")
        for path in (HOME / part).rglob("*.py")
        for link in links.findall(path.read_text())
    }
    assert code
    assert set(links.findall(read("architecture"))) == code


def test_anchors_that_the_product_refers_to_exist_in_the_guides() -> None:
    texts = [path.read_text() for part in ("bridge", "workers") for path in (HOME / part).rglob("*.py")]
    referred = [match for text in texts for match in re.findall(r"/docs/([a-z]+)(?:#([\w-]+))?", text)]
    assert referred
    for name, place in referred:
        assert not place or place in anchors(DOCS / f"{name}.md"), (name, place)


def test_the_configuration_guide_lists_every_setting_with_its_default() -> None:
    lines = (HOME / ".env.example").read_text().splitlines()
    settings = dict(re.findall(r"^(?:# )?([A-Z][A-Z0-9_]+)=(.*)$", "\n".join(lines), re.MULTILINE))
    rows = dict(re.findall(r"^\| `([A-Z0-9_]+)` \|(.*?)\|", read("configuration"), re.MULTILINE))
    required = {"REDIS_URL", "RALLY_API_KEY", "BRIDGE_ENCRYPTION_KEYS", "CALLBACK_SECRETS"}
    assert rows.keys() == settings.keys()
    assert {name for name, default in rows.items() if default.strip() == "required"} == required
    assert {name: default.strip(" `") for name, default in rows.items() if name not in required} == {
        name: default for name, default in settings.items() if name not in required
    }


def sentences(text: str) -> list[int]:
    """Return the number of words in each sentence of the prose: no code, tables or headings."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in prose.splitlines() if not line.startswith(("|", "#", "<!--"))]
    items = re.split(r"\n\s*\n|\n(?=- |\d+\. )", "\n".join(lines))
    ends = [sentence for item in items for sentence in re.split(r"(?<=[.:!?])\s+", item.strip())]
    return [len(sentence.split()) for sentence in ends if sentence]


@pytest.mark.parametrize("name", [name for name in NAMES if name != "CHANGELOG.md"])
def test_sentences_are_short(name: str) -> None:
    lengths = sorted(sentences((HOME / name).read_text()))
    assert lengths[len(lengths) // 2] <= 15, lengths
    assert lengths[-1] <= 35, lengths


def logged_events() -> set[str]:
    """Return the events that the product logs, except at debug level."""
    files = [path for part in ("bridge", "workers") for path in (HOME / part).rglob("*.py")]
    texts = [path.read_text() for path in files]
    trees = (ast.parse(text) for text in texts if re.search(r"\.(?:info|warning|error)\(", text))
    calls = (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {
        str(call.args[0].value)
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"info", "warning", "error"} and call.args
        if isinstance(call.args[0], ast.Constant) and re.fullmatch(r"[a-z_]+\.[a-z_]+", str(call.args[0].value))
    }


def table_names(guide: str, pattern: str) -> set[str]:
    """Return the code in the first two columns of a guide's tables that matches a pattern."""
    rows = re.findall(r"^\|([^|]*)\|([^|]*)\|", read(guide), re.MULTILINE)
    return {
        name for row in rows for cell in row for name in re.findall(r"`([^`]+)`", cell) if re.fullmatch(pattern, name)
    }


def test_the_operations_guide_lists_every_event_of_the_log() -> None:
    events = logged_events() | set(WorkspaceEvent) | set(NOTICES)
    assert table_names("operations", r"[a-z_]+\.(?!toml)[a-z_]+") == events


def test_the_operations_guide_lists_every_metric_with_its_meaning() -> None:
    rows = re.findall(r"^\| `(rally_bridge_\w+)` \| (.*) \| (.*) \|$", read("operations"), re.MULTILINE)
    labels = [", ".join(f"`{label}`" for label in metric.labels) for metric in METRICS]
    listed = [(metric.name, label, metric.help) for metric, label in zip(METRICS, labels, strict=True)]
    assert sorted(rows) == sorted(listed)

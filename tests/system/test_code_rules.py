"""Rules for the code that no linter checks: names, sizes of modules, allowed imports, headings of scripts."""

import ast
import inspect
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import packages_distributions
from itertools import takewhile
from pathlib import Path

import pytest

from bridge.queue import Job
from workers import jobs

HOME = Path(__file__).parents[2]
SCRIPTS = sorted(HOME.glob("bridge/store/scripts/*/*.lua"))
PRODUCT = sorted(path for place in ("bridge", "workers") for path in (HOME / place).rglob("*.py"))
TESTS = sorted((HOME / "tests").rglob("*.py"))

OURS = {"bridge", "workers", "tests"}

LONGEST_MODULE = 300
EMPTY_WORDS = {"manager", "helper", "util", "handler", "processor"}
"""Words that fit everything and so mean nothing."""
REQUIRED_NAMES: Mapping[str, str] = {"timeout_keep_alive_handler": "uvicorn"}
"""Names with such a word that a library requires, and the library."""
ENVIRONMENT = {"setenv", "delenv", "chdir"}
"""What tests may use monkeypatch for: the environment of a process. Our own code is never replaced."""


def name_of(path: Path) -> str:
    return str(path.relative_to(HOME))


@dataclass(frozen=True)
class Module:
    """What the rules ask about a module. Its syntax tree is not kept: a thousand trees slow down garbage collection."""

    docstring: str
    names: tuple[str, ...]
    """Its own name, and those of its functions and classes."""
    imports: tuple[str, ...]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), name_of(path))


@cache
def module(path: Path) -> Module:
    root = tree(path)
    inner = list(statements(root))
    own = path.parent.name if path.stem == "__init__" else path.stem
    named = [each.name for each in inner if isinstance(each, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)]
    return Module(ast.get_docstring(root) or "", (own, *named), tuple(imported_names(inner)))


def statements(node: ast.AST) -> Iterator[ast.stmt]:
    """Yield all statements inside a node, without their expressions."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for each in getattr(node, field, ()):
            if isinstance(each, ast.stmt):
                yield each
            yield from statements(each)


def imported_names(inner: Iterable[ast.stmt]) -> Iterator[str]:
    for node in inner:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level else node.module or "."


def words(name: str) -> set[str]:
    """Split `fooBar`, `FooBars` and `foo_bars` into words in the singular."""
    return {word.lower().removesuffix("s") for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def test_every_module_docstring_begins_with_one_sentence() -> None:
    sentences = {name_of(path): module(path).docstring.split("\n\n")[0] for path in PRODUCT}
    assert [name for name, sentence in sentences.items() if "\n" in sentence or not sentence.endswith((".", "?"))] == []


def test_no_module_is_too_long() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in PRODUCT}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_no_name_contains_an_empty_word() -> None:
    empty = {
        name: name_of(path) for path in PRODUCT + TESTS for name in module(path).names if words(name) & EMPTY_WORDS
    }
    # Equal, so that no exception outlives its name.
    assert empty.keys() == REQUIRED_NAMES.keys(), empty


@pytest.mark.parametrize("name", ["RetryManager", "http_utils", "HTTPHandler", "on_error_handler", "helpers"])
def test_empty_words_are_found_in_every_case_style(name: str) -> None:
    assert words(name) & EMPTY_WORDS


def declared(*extras: str) -> set[str]:
    """Return the packages that pyproject.toml declares for these extras, and without an extra."""
    project = tomllib.loads((HOME / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *(project["optional-dependencies"][extra] for extra in extras)]
    names = [re.match(r"[\w.-]+", requirement) for each in lists for requirement in each]
    return {normalized(name[0]) for name in names if name}


def normalized(package: str) -> str:
    return package.lower().replace("_", "-")


@pytest.mark.parametrize(("files", "extras"), [(PRODUCT, ["server", "otel"]), (TESTS, ["server", "otel", "dev"])])
def test_every_imported_package_is_declared(files: list[Path], extras: list[str]) -> None:
    packages = packages_distributions()
    tops = {name.split(".")[0]: name_of(path) for path in files for name in module(path).imports}
    others = {top: file for top, file in tops.items() if top and top not in {*sys.stdlib_module_names, *OURS}}
    known = declared(*extras)
    assert len(others) > 10
    assert {top: file for top, file in others.items() if known.isdisjoint(map(normalized, packages[top]))} == {}


def test_the_domain_imports_only_the_standard_library() -> None:
    domain = [path for path in PRODUCT if path.is_relative_to(HOME / "bridge" / "domain")]
    other_imports = {
        name: name_of(path)
        for path in domain
        for name in module(path).imports
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("bridge.domain")
    }
    assert domain
    assert other_imports == {}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_says_what_it_does_and_names_its_keys_and_arguments(path: Path) -> None:
    lines = path.read_text().splitlines()
    heading = list(takewhile(lambda line: line.startswith("-- "), lines))
    body = "".join(lines[len(heading) :])
    assert heading, "a heading comes first"
    for kind, more in (("KEYS", "Further keys"), ("ARGV", "urther arguments")):
        named = f"unpack({kind}" in body or kind in "".join(heading)
        assert kind not in body or named or more in "".join(heading), f"{kind} is used, but not named"


def test_every_script_is_run_by_the_store() -> None:
    store = [path for path in PRODUCT if path.is_relative_to(HOME / "bridge" / "store")]
    texts = {node.value for path in store for node in ast.walk(tree(path)) if isinstance(node, ast.Constant)}
    assert [path.stem for path in SCRIPTS if path.stem not in texts and path.stem != "prelude"] == []


def test_the_workers_have_a_job_for_every_alarm() -> None:
    ours = {
        name
        for name, job in inspect.getmembers(jobs, inspect.iscoroutinefunction)
        if job.__module__ == jobs.__name__ and not name.startswith("_")
    }
    assert ours == {alarm.value for alarm in Job}


def test_tests_replace_nothing_in_the_product() -> None:
    suspects = [path for path in TESTS if re.search("monkeypatch|unittest|mocker", path.read_text())]
    found = [
        f"{name_of(path)}: {ast.unparse(node)}"
        for path in suspects
        for node in ast.walk(tree(path))
        if replaces_something(node)
    ]
    assert suspects
    assert found == []


@pytest.mark.parametrize(
    "line", ["monkeypatch.setattr(jobs, 'sweep', None)", "from unittest.mock import patch", "def test(mocker): ..."]
)
def test_every_kind_of_replacement_is_found(line: str) -> None:
    assert any(replaces_something(node) for node in ast.walk(ast.parse(line)))


def replaces_something(node: ast.AST) -> bool:
    """Return whether a node of a test replaces our own code."""
    match node:
        case ast.Attribute(value=ast.Name(id="monkeypatch"), attr=does):
            return does not in ENVIRONMENT
        case ast.Import(names=names):
            return any(alias.name.startswith("unittest") for alias in names)
        case ast.ImportFrom(module=str(module)):
            return module.startswith("unittest")
        case ast.arg(arg=fixture):
            return fixture == "mocker"
        case _:
            return False

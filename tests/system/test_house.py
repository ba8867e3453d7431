"""The rules of the house that no linter knows: the words, the size of things, who may stand on what."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path

import pytest

from bridge.queue import Alarm
from workers import jobs

HOME = Path(__file__).parents[2]
SCRIPTS = sorted(HOME.glob("bridge/store/scripts/*.lua"))
PRODUCT = sorted(path for place in ("bridge", "workers") for path in (HOME / place).rglob("*.py"))
TESTS = sorted((HOME / "tests").rglob("*.py"))

LONGEST_MODULE = 300
EMPTY_WORDS = {"manager", "helper", "util", "handler", "processor"}
"""Words that fit everything and so say nothing."""
GIVEN_NAMES: Mapping[str, str] = {"timeout_keep_alive_handler": "uvicorn"}
"""Names with such a word that a library demands, and which library that is."""
ENVIRONMENT = {"setenv", "delenv", "chdir"}
"""What monkeypatch may do: change what a process is started with. Our own code is never replaced."""


def name_of(path: Path) -> str:
    return str(path.relative_to(HOME))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), name_of(path))


def defined_names(path: Path) -> Iterator[str]:
    """Give the names that a module defines as functions and classes, and its own."""
    yield path.parent.name if path.stem == "__init__" else path.stem
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def words(name: str) -> set[str]:
    """Take `fooBar`, `FooBars` and `foo_bars` apart, in the singular."""
    return {word.lower().removesuffix("s") for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def imported_names(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def test_every_module_says_in_one_sentence_what_it_is() -> None:
    said = {name_of(path): (ast.get_docstring(tree(path)) or "").split("\n\n")[0] for path in PRODUCT}
    assert [name for name, sentence in said.items() if "\n" in sentence or not sentence.endswith((".", "?"))] == []


def test_no_module_is_longer_than_one_sitting() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in PRODUCT}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_names_say_what_a_thing_is() -> None:
    empty = {
        name: name_of(path) for path in PRODUCT + TESTS for name in defined_names(path) if words(name) & EMPTY_WORDS
    }
    # Equal, so that no name stays excused that isn't there any more.
    assert empty.keys() == GIVEN_NAMES.keys(), empty


@pytest.mark.parametrize("name", ["RetryManager", "http_utils", "HTTPHandler", "on_error_handler", "helpers"])
def test_empty_words_are_found_however_they_are_written(name: str) -> None:
    assert words(name) & EMPTY_WORDS


def test_the_domain_stands_on_the_standard_library_alone() -> None:
    domain = [path for path in PRODUCT if path.is_relative_to(HOME / "bridge" / "domain")]
    strangers = {
        name: name_of(path)
        for path in domain
        for name in imported_names(path)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("bridge.domain")
    }
    assert domain
    assert strangers == {}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_says_what_it_does_and_names_its_keys_and_arguments(path: Path) -> None:
    lines = path.read_text().splitlines()
    heading = list(takewhile(lambda line: line.startswith("-- "), lines))
    body = "".join(lines[len(heading) :])
    assert heading, "a sentence comes first"
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
    assert ours == {alarm.value for alarm in Alarm}


def test_tests_replace_nothing_in_the_product() -> None:
    found = [
        f"{name_of(path)}: {ast.unparse(node)}"
        for path in TESTS
        for node in ast.walk(tree(path))
        if replaces_something(node)
    ]
    assert found == []


@pytest.mark.parametrize(
    "line", ["monkeypatch.setattr(jobs, 'sweep', None)", "from unittest.mock import patch", "def test(mocker): ..."]
)
def test_a_replacement_is_found_however_it_is_made(line: str) -> None:
    assert any(replaces_something(node) for node in ast.walk(ast.parse(line)))


def replaces_something(node: ast.AST) -> bool:
    """Tell whether a piece of a test puts something else in our code's place."""
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

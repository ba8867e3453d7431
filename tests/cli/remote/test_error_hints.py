"""What a person is told to do about an error, and in which words its problems are named."""

import pytest

from bridge.cli.remote.error_hints import argument, explained
from bridge.client import Callback, CallFailed, Conflict, Destination, Named, RateLimited, Unavailable, ValidationFailed

PLACES: list[Destination] = [
    Callback(type="callback", url="https://secret.example.com/x"),
    Named(type="named", name="ops"),
]


@pytest.mark.parametrize(
    ("pointer", "words"),
    [
        ("/importId", "IMPORT_ID"),
        ("/metadata/ticket", "--metadata"),
        ("/expiresIn", "--expires-in"),
        ("/nudgeAfter", "--nudge-after"),
        ("/notify/0/url", "--callback"),
        ("/notify/1/name", "--named"),
        ("/notify/1", "--named"),
        ("/notify/7", "/notify/7"),
        ("/destination/url", "--callback"),
        ("?importId", "--import"),
        ("/labels", "/labels"),
        ("the body", "the body"),
    ],
)
def test_a_problem_names_its_argument(pointer: str, words: str) -> None:
    assert argument(pointer, PLACES) == words


def test_every_problem_has_its_own_line_below_the_sentence() -> None:
    problem = {
        "title": "The request is not valid",
        "errors": [
            {"pointer": "/label", "detail": "Too long"},
            {"pointer": "/notify/0/url", "detail": "The same as /notify/1"},
        ],
    }
    error = ValidationFailed("The request is not valid. Nothing was changed.\n  /label: Too long", problem=problem)
    assert str(explained(error, PLACES)).splitlines() == [
        "The request is not valid. Nothing was changed.",
        "  --label: Too long",
        "  --callback: The same as --named",
    ]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RateLimited("Too many requests.", status=429, retry_after=7.0), "Too many requests. Try again in 7 s."),
        (
            CallFailed("X answered HTTP 404.", code="unreadable"),
            "X answered HTTP 404. Check RALLY_BRIDGE_URL",
        ),
        (CallFailed("No key: set it.", code="no_key"), "No key: set it. `rally-bridge up` prints the key"),
        (
            Unavailable("Down.", status=503),
            "Down. Try again later; on the bridge's machine, `rally-bridge doctor`",
        ),
        (Unavailable("X answered HTTP 502.", status=502, code="unreadable"), "X answered HTTP 502. Try again later"),
        (Unavailable("The connection broke.", code="broken"), "The connection broke. Try again later"),
        (
            Conflict(
                "Settled. GET the watch.",
                code="watch_already_settled",
                problem={"title": "Settled", "detail": "GET the watch."},
            ),
            "Settled. Its outcome: `rally-bridge show`",
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_an_error_says_what_to_do(error: CallFailed, words: str) -> None:
    assert str(explained(error)).startswith(words)

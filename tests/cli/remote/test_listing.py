"""`list`: a table or lines for a terminal of any width, and tab-separated values for programs."""

import re

import pytest

from bridge.cli.remote import tab_separated
from tests.support.samples import only
from tests.support.shell import Shell

IMPORT_ID = "cm1uwhduy001vle4gr4soyqkq"
LONG_ID = "x" * 200


def plain(printed: str) -> str:
    """Remove styles."""
    return re.sub(r"\x1b\[[0-9;]*m", "", printed)


@pytest.fixture(scope="module")
def listed(shell: Shell) -> Shell:
    for import_id, label in ((LONG_ID, "Panel"), (IMPORT_ID, "Q4\tpanel upload\nof a long name"), ("short", None)):
        shell.bridge.set_import(import_id, ("UPLOADING", 0), ("COMPLETED", 600))
        shell.json("watch", import_id, *(() if label is None else ("--label", label)))
    return shell


def test_programs_get_a_line_of_whole_values_for_each_watch(listed: Shell) -> None:
    ran = listed.run("list", COLUMNS="40")
    rows = [line.split("\t") for line in ran.stdout.splitlines()]
    documents = listed.json("list")
    assert [dict(zip(tab_separated.COLUMNS, row, strict=True)) for row in rows] == [
        {
            "id": document["id"],
            "importId": document["importId"],
            "state": "watching",
            "outcome": "",
            "people": row[4],
            "failed": "0",
            "label": (document["label"] or "").replace("\t", r"\t").replace("\n", r"\n"),
            "createdAt": document["createdAt"],
            "workspace": "default",
            "createdBy": "crm",
            "undelivered": "0",
        }
        for document, row in zip(documents, rows, strict=True)
    ]


def test_colours_that_are_forced_do_not_make_a_pipe_a_terminal(listed: Shell) -> None:
    lines = listed.run("list", FORCE_COLOR="1").stdout
    assert "\x1b" not in lines
    assert {line.count("\t") for line in lines.splitlines()} == {len(tab_separated.COLUMNS) - 1}


def test_the_help_names_the_columns_in_their_order(listed: Shell) -> None:
    said = " ".join(listed.run("list", "--help").stdout.split())
    assert ", ".join(tab_separated.COLUMNS) in said


@pytest.mark.parametrize("columns", [20, 40, 80, 120, 300])
def test_no_terminal_cuts_an_id(listed: Shell, columns: int) -> None:
    ran = listed.at_terminal("list", columns=columns)
    documents = listed.json("list")
    assert ran.returncode == 0
    for document in documents:
        assert document["id"] in ran.stdout
        assert document["importId"] in ran.stdout


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_terminal_needs_to_wrap_nothing_but_ids_that_are_wider_than_it(listed: Shell, columns: int) -> None:
    printed = plain(listed.at_terminal("list", "--import", IMPORT_ID, columns=columns).stdout)
    assert max(map(len, printed.splitlines())) <= columns


def test_a_wide_terminal_shows_a_table(listed: Shell) -> None:
    printed = plain(listed.at_terminal("list", "--import", "short", columns=120).stdout)
    headings, row = printed.splitlines()
    assert headings.split() == ["Watch", "Import", "State", "People", "Failed", "Label", "Since"]
    assert "… watching" in row


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (117, ["Watch", "Import", "State", "People", "Failed", "Label", "Since"]),
        (99, ["Watch", "Import", "State", "People", "Failed", "Label"]),
        (91, ["Watch", "Import", "State", "People", "Label"]),
    ],
)
def test_a_terminal_that_is_less_wide_shows_fewer_columns(listed: Shell, columns: int, shown: list[str]) -> None:
    printed = plain(listed.at_terminal("list", "--import", IMPORT_ID, columns=columns).stdout)
    headings, row = printed.splitlines()
    assert headings.split() == shown
    assert len(row) <= columns


def test_a_narrow_terminal_shows_each_watch_in_lines(listed: Shell) -> None:
    watch = only(listed.json("list", "--import", IMPORT_ID))
    lines = plain(listed.at_terminal("list", "--import", IMPORT_ID, columns=40).stdout).splitlines()
    assert [line.strip() for line in lines[:2]] == [f"… watching  {IMPORT_ID}", watch["id"]]


def test_columns_of_zero_mean_an_unknown_width(listed: Shell) -> None:
    assert listed.at_terminal("list", columns=0).stdout == listed.at_terminal("list", columns=80).stdout


def test_an_empty_list_is_reported_on_stderr(listed: Shell) -> None:
    ran = listed.run("list", "--import", "unknown")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "No watches.\n")
    assert listed.json("list", "--import", "unknown") == []


def test_watches_beyond_the_limit_are_not_left_out_silently(listed: Shell) -> None:
    short = listed.run("list", "--limit", "2")
    assert (len(short.stdout.splitlines()), short.stderr) == (2, "There are more watches than --limit 2 lists.\n")
    assert listed.run("list", "--limit", "3").stderr == ""


def test_deliveries_are_listed_by_state_and_for_programs_with_whole_values(shell: Shell) -> None:
    shell.bridge.set_import("listed", ("COMPLETED", 0))
    shell.bridge.set_answers("rejecting", 410)
    place = shell.bridge.callback_url("rejecting")
    shell.run("watch", "listed", "--callback", place, "--follow", "--until-delivered")

    document = only(shell.json("deliveries", "--state", "abandoned"))
    row = only(shell.run("deliveries", "--state", "abandoned").stdout.splitlines()).split("\t")
    assert dict(zip(tab_separated.DELIVERY_COLUMNS, row, strict=True)) == {
        **{name: document[name] for name in ("id", "watchId", "type", "destination", "state", "lastReason", "endedAt")},
        "attempts": "1",
    }
    seen = shell.at_terminal("deliveries", "--state", "abandoned", columns=120).stdout
    place = f"{document['destination']} ({document['fingerprint']})"
    assert plain(seen).splitlines() == [f"{document['id']}  callback {place}  abandoned: {document['lastReason']}"]
    assert shell.run("deliveries", "--state", "skipped").stderr == "No deliveries.\n"


def test_named_destinations_are_listed_with_their_types(shell: Shell) -> None:
    listed = shell.run("destinations")
    expected = [f"{each['name']}\t{each['type']}" for each in shell.json("destinations")]
    assert expected
    assert listed.stdout.splitlines() == expected

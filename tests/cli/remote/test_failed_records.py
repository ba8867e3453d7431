"""`failed-records`: all failed records, as lines, JSON and CSV."""

import pytest

from tests.support.shell import Shell

MANY = [{"personId": f"p{number}", "email": f"p{number}@example.com"} for number in range(1_200)]


def ended(shell: Shell, import_id: str, records: list[dict[str, str]]) -> str:
    """Return the id of a watch whose import has ended with these failed records."""
    shell.bridge.set_import(import_id, ("COMPLETED", 0), failed_records=records)
    watch = shell.json("watch", import_id)
    shell.run("follow", watch["id"])
    return str(watch["id"])


def test_all_records_are_printed_as_lines_json_and_csv(shell: Shell) -> None:
    watch_id = ended(shell, "many", MANY)

    records = shell.json("failed-records", watch_id)
    assert records == MANY
    lines = shell.run("failed-records", watch_id)
    assert lines.stdout.splitlines() == [f"{each['personId']} {each['email']}" for each in MANY]
    assert lines.stderr == ""
    table = shell.run("failed-records", watch_id, "--csv").stdout.splitlines()
    assert table == [
        "email,personId,importId",
        *(f"{r.get('email', '')},{r.get('personId', '')},many" for r in records),
    ]


def test_more_records_than_are_kept_are_read_on_demand(shell: Shell) -> None:
    watch_id = ended(shell, "too-many", [{"email": f"p{number}@example.com"} for number in range(10_001)])

    ran = shell.run("failed-records", watch_id, "--csv")

    assert (ran.returncode, len(ran.stdout.splitlines())) == (0, 10_002)


def test_text_from_elsewhere_can_not_act_on_the_terminal(shell: Shell) -> None:
    watch_id = ended(shell, "hostile", [{"email": "\x1b[31m\u202e@example.com"}, {"email": "=1"}])

    assert shell.run("failed-records", watch_id).stdout == "\\x1b[31m\\u202e@example.com\n=1\n"
    safe = shell.run("failed-records", watch_id, "--csv", "--safe")
    assert safe.stdout.splitlines()[-1] == "'=1,,hostile"


def test_records_that_name_nobody_are_counted(shell: Shell) -> None:
    some = shell.run("failed-records", ended(shell, "some", [{}, {"email": "a@example.com"}]))
    none = shell.run("failed-records", ended(shell, "none", []))

    assert (some.stdout, some.stderr) == ("a@example.com\n", "Without id and e-mail address: 1 more.\n")
    assert (none.stdout, none.stderr) == ("", "No failed records.\n")


def test_an_import_that_was_never_read_is_an_error_with_a_remedy(shell: Shell) -> None:
    watch = shell.json("watch", "absent")
    ran = shell.run("failed-records", watch["id"], "--csv")

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "The import was not read. What is known: `rally-bridge show` with its id.\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--csv", "--json"], "--csv can't be combined with --json."),
        (["--safe"], "--safe needs --csv."),
        (["--safe", "--json"], "--safe needs --csv."),
    ],
)
def test_options_that_contradict_each_other_are_refused(shell: Shell, options: list[str], message: str) -> None:
    ran = shell.run("failed-records", "wat_1", *options)

    assert ran.returncode == 2
    assert message in ran.stderr

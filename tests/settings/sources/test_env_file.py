"""The file `.env`: its lines in messages, and files that are not what they should be."""

from pathlib import Path

import pytest

from bridge.errors import SettingsError
from bridge.settings import load_settings
from bridge.settings.sources.env_file import EnvFile, read_env_file
from tests.settings.test_model import GOOD
from tests.support.samples import only


def problems(path: Path) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as told:
        load_settings(GOOD, env_file=str(path))
    return told.value.problems


def test_a_problem_names_file_and_line(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("# comment\n\nPOLL_FLOOR=5\n\n\nexport LOG_LEVEL=loud\n")

    assert [problem.partition(": ")[0] for problem in problems(env)] == [f"{env}:3", f"{env}:6"]


def test_a_line_that_is_no_assignment_is_reported_and_hides_nothing(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("POLL_FLOOR=5\nhunter2 hunter2 = x\n")

    assert problems(env) == (
        f"{env}:2: is not of the form NAME=value",
        f"{env}:1: POLL_FLOOR: '5' is not a duration: write it with a unit, like 30s, 10m, 24h or 1h30m",
    )


@pytest.mark.parametrize("raw", ["POLL_FLOOR=7s\n".encode("utf-16"), b"LABEL=caf\xe9\n"])
def test_a_file_that_is_not_utf8_is_a_sentence(tmp_path: Path, raw: bytes) -> None:
    env = tmp_path / ".env"
    env.write_bytes(raw)

    assert only(list(problems(env))).startswith(f"{env}: is not UTF-8 (byte ")


def test_a_byte_order_mark_belongs_to_no_name(tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_bytes(b"\xef\xbb\xbfPOLL_FLOOR=7s\n")

    assert load_settings(GOOD, env_file=str(env)).poll_floor == 7_000


def test_a_file_that_is_missing_has_no_variables(tmp_path: Path) -> None:
    assert read_env_file(str(tmp_path / ".env")) == EnvFile()


def test_a_folder_in_place_of_the_file_is_reported_and_nothing_is_missed_that_may_be_in_it(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    with pytest.raises(SettingsError) as told:
        load_settings({}, env_file=str(tmp_path / ".env"))

    assert only(list(told.value.problems)).startswith(f"{tmp_path}/.env: is a folder")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"LABEL=caf\xe9\n", ": is not UTF-8"),
        (b'LOG_LEVEL="INFO\nREDIS_URL=redis://h\nLABEL="b"\n', ":1: has a quote that is not closed on this line"),
    ],
)
def test_what_may_be_in_the_part_that_was_not_read_is_not_missed(tmp_path: Path, text: bytes, problem: str) -> None:
    (tmp_path / ".env").write_bytes(text)
    with pytest.raises(SettingsError) as told:
        load_settings({}, env_file=str(tmp_path / ".env"))

    assert only(list(told.value.problems)).startswith(f"{tmp_path}/.env{problem}")

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


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('RALLY_API_KEY="k\nEU_KEY=k\nLABEL="b"\n', "has a quote that is not closed on this line"),
        ("RALLY_API_KEY=k\nEU_KEY='k\n", "has a quote that is not closed"),
    ],
)
def test_a_quote_that_is_not_closed_is_one_problem_also_for_the_keys_that_name_its_variable(
    tmp_path: Path, text: str, problem: str
) -> None:
    (tmp_path / ".env").write_text(text)
    (tmp_path / "bridge.toml").write_text('[workspaces.eu]\nkey_env = "EU_KEY"\nbase_url = "https://eu.example.com"\n')
    environ = {**GOOD, "BRIDGE_CONFIG_FILE": str(tmp_path / "bridge.toml")}
    del environ["RALLY_API_KEY"]
    with pytest.raises(SettingsError) as told:
        load_settings(environ, env_file=str(tmp_path / ".env"))

    assert problem in only(list(told.value.problems))


def test_a_required_variable_without_a_text_is_reported_with_its_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LOG_LEVEL=INFO\nCALLBACK_SECRETS=\nBRIDGE_API_KEYS=\n")
    environ = {name: text for name, text in GOOD.items() if name not in {"CALLBACK_SECRETS", "BRIDGE_API_KEYS"}}
    with pytest.raises(SettingsError) as told:
        load_settings(environ, env_file=str(tmp_path / ".env"))

    assert [each.partition(" (")[0] for each in told.value.problems] == [
        f"{tmp_path}/.env:2: CALLBACK_SECRETS",
        f"{tmp_path}/.env:3: BRIDGE_API_KEYS",
    ]
    assert all(each.endswith("is required, but it is empty") for each in told.value.problems)

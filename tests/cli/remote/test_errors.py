"""Errors are sentences on stderr that say what to do; nothing is printed on stdout."""

import os
import sys
from pathlib import Path
from subprocess import PIPE, CompletedProcess, run

import pytest

from tests.support.prepared_answers import Prepared, answering
from tests.support.shell import Shell
from tests.support.world import CLIENT_KEY

NO_TEXT = "\udcff"
"""The byte 0xff, as Python has it in an argument."""


@pytest.mark.parametrize(
    ("arguments", "changes", "exit_code", "words"),
    [
        (["show", "wat_0"], {}, 1, "Watch not found. `rally-bridge list` lists"),
        (["show", "nope"], {}, 2, "'nope' is not the id of a watch (wat_…) or a delivery (dlv_…)."),
        (["cancel", "an import"], {}, 2, "rally-bridge list --import 'an import'"),
        (["follow", "wat_a/b"], {}, 1, "'wat_a/b' is not an id."),
        (["list"], {"RALLY_BRIDGE_KEY": "rbk_wrong"}, 1, "The API key is invalid. Set RALLY_BRIDGE_KEY"),
        (["list"], {"RALLY_BRIDGE_KEY": ""}, 2, "There is no API key"),
        (["watch", "x", "--callback", "http://10.0.0.1/"], {}, 1, "  --callback: "),
        (["watch", "x", "--expires-in", "soon"], {}, 2, "is not a duration"),
        (["watch", "x", "--expires-in", "31d"], {}, 2, "must be at most 30d"),
        (["watch", "x", "--metadata", "ticket"], {}, 2, "is not name=value"),
        (["watch", "x", "--metadata", "a=1", "--metadata", "a=2"], {}, 2, "--metadata names 'a' more than once."),
        (["watch", "x", "--timeout", "3s"], {}, 2, "--timeout needs --follow"),
        (
            ["show", "wat_0", "--url", "http://127.0.0.1:1"],
            {},
            1,
            "start a bridge on this machine with",
        ),
        (["show", "wat_0", "--url", "nonsense"], {}, 2, "nonsense can't be used: a bridge's URL is like"),
        (["watch", "x", "--until-delivered"], {}, 2, "--until-delivered needs --follow"),
        (["watch", "x", "--named", "crm", "--on", "complete"], {}, 2, "'complete' is not one of always, problems, or"),
        (["watch", "x", "--named", "crm", "--on", "problems,failed"], {}, 2, "--on problems stands alone"),
        (["watch", "x", "--named", "crm", "--on", "failed", "--on", "always"], {}, 2, "--on always stands alone"),
        (["test"], {}, 2, "Pass exactly one destination"),
        (["test", "--named", "crm", "--named", "ops"], {}, 2, "Pass exactly one destination"),
        (["test", "--named", "none"], {}, 1, "  --named: "),
        (["folow"], {}, 2, "No such command 'folow'. Did you mean follow?"),
        (["xyz"], {}, 2, "No such command 'xyz'."),
        (["redeliver"], {}, 2, "Pass either an ID or --since"),
        (["list", "--url", "http://127.0.0.1:1x"], {}, 2, "can't be used"),
        (["list", "--url", f"http://{'a' * 64}.example"], {}, 1, "its URL or a header is not valid"),
        (["watch", NO_TEXT], {}, 2, "Argument 2 is not text"),
        (["watch", "x", "--label", NO_TEXT], {}, 2, "Argument 4 is not text"),
        (["list", f"--import={NO_TEXT}"], {}, 2, "Argument 2 is not text"),
        (["watch", "x", "--on", "failed"], {}, 2, "--on needs a destination"),
        (["redeliver", "--since", "yesterday"], {}, 2, "'yesterday' is not a time: write it like 2026-"),
        (["redeliver", "--since", "0001-01-01"], {}, 2, "'0001-01-01' is not a time: write it like 2026-"),
    ],
)
def test_errors_are_sentences(
    shell: Shell, arguments: list[str], changes: dict[str, str], exit_code: int, words: str
) -> None:
    ran = shell.run(*arguments, **changes)
    assert (ran.returncode, ran.stdout) == (exit_code, "")
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("ALL_PROXY", "socks5://user:secret@127.0.0.1:1", "The proxy socks5://127.0.0.1:1 can't be used: "),
        ("HTTPS_PROXY", "foo://x", "The proxy that the environment names"),
        ("HTTPS_PROXY", "http://user:secret@127.0.0.1:1", "through the proxy http://127.0.0.1:1: the connection was"),
        ("SSL_CERT_FILE", "/nowhere", "The certificates that the environment names"),
    ],
)
def test_an_environment_that_prevents_connections_is_reported_in_a_sentence(
    shell: Shell, name: str, value: str, words: str
) -> None:
    ran = shell.run("list", "--url", "https://bridge.invalid", **{name: value})
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "secret" not in ran.stderr
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_bridge_on_this_machine_is_reached_directly_whatever_proxy_is_named(shell: Shell) -> None:
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"), "http://127.0.0.1:1")
    assert shell.run("list", **proxies).returncode == 0


def test_a_wrong_path_in_the_address_is_recognized(shell: Shell) -> None:
    ran = shell.run("list", "--url", f"{shell.bridge.url}/docs")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "There is no such path; /docs describes all of them. Check RALLY_BRIDGE_URL or --url." in ran.stderr


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (422, b'{"errors": ["bad"]}', "answered HTTP 422, which we can't read."),
        (422, b'{"errors": {"id": [1]}}', "answered HTTP 422, which we can't read."),
        (422, b'{"title": 7, "detail": []}', "answered HTTP 422, which we can't read."),
        (200, b"[" * 100_000, "answered HTTP 200, which we can't read."),
        (200, b'{"data": [{"id": 1}], "nextCursor": null}', "answered HTTP 200, which we can't read."),
        (200, b'{"data": 7, "nextCursor": null}', "answered HTTP 200, which we can't read."),
    ],
)
def test_a_response_of_another_kind_of_server_is_reported_in_a_sentence(
    shell: Shell, status: int, body: bytes, words: str
) -> None:
    with answering(Prepared(body, status)) as url:
        ran = shell.run("list", "--url", url)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr


def test_an_incorrectly_compressed_response_is_reported_in_a_sentence(shell: Shell) -> None:
    with answering(Prepared(b"no gzip", headers={"Content-Encoding": "gzip"})) as url:
        ran = shell.run("list", "--url", url)
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"No answer from {url}: the answer is not compressed as it says. Try again later")


def test_the_key_is_read_from_its_file(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{CLIENT_KEY}\n")
    assert shell.run("list", "--json", RALLY_BRIDGE_KEY="", RALLY_BRIDGE_KEY_FILE=str(file)).returncode == 0
    file.write_bytes(b"\xff")
    for name, why in ((file, "UnicodeDecodeError"), (tmp_path / "none", "FileNotFoundError")):
        ran = shell.run("list", RALLY_BRIDGE_KEY="", RALLY_BRIDGE_KEY_FILE=str(name))
        assert ran.returncode == 2
        assert ran.stderr.startswith(f"RALLY_BRIDGE_KEY_FILE: '{name}' can't be read ({why}). ")


def in_sh(shell: Shell, line: str) -> "CompletedProcess[str]":
    """Run a line of sh, in which $BRIDGE is the command."""
    env = shell.environment(BRIDGE=f"{sys.executable} -m bridge.cli")
    return run(["/bin/sh", "-c", line], env=env, capture_output=True, text=True, timeout=60, check=False)


def test_a_stdout_that_is_closed_is_no_error(shell: Shell) -> None:
    shell.bridge.set_import("closed", ("UPLOADING", 0), ("COMPLETED", 600))
    shell.json("watch", "closed")
    ran = in_sh(shell, "$BRIDGE list --import closed >&-")
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("command", ["list", pytest.param("show", marks=pytest.mark.slow)])
def test_a_reader_that_leaves_early_is_not_a_refusal(shell: Shell, command: str) -> None:
    shell.bridge.set_import("piped", ("UPLOADING", 0), ("COMPLETED", 600))
    watch = shell.json("watch", "piped")["id"]
    arguments = ["list"] if command == "list" else ["show", watch]
    reader, writer = os.pipe()
    os.close(reader)
    line = [sys.executable, "-m", "bridge.cli", *arguments]
    ran = run(line, env=shell.environment(), stdout=writer, stderr=PIPE, text=True, timeout=60, check=False)
    os.close(writer)
    assert (ran.returncode, ran.stderr) == (141, "")


@pytest.mark.parametrize("command", ["list", pytest.param("watch full", marks=pytest.mark.slow)])
def test_a_full_disk_is_not_our_fault(shell: Shell, command: str) -> None:
    shell.bridge.set_import("full", ("UPLOADING", 0), ("COMPLETED", 600))
    shell.json("watch", "full")
    ran = in_sh(shell, f"$BRIDGE {command} >/dev/full")
    said = "The output can't be written: No space left on device. What was asked for may have been done.\n"
    assert (ran.returncode, ran.stderr) == (1, said)

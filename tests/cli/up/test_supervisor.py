"""The supervisor of `up`, with real processes of tiny programs: restarts, the order of a stop, and orphans."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from bridge.cli.up.child import STOP_PATIENCE, WAIT_UNTIL_RECORDED
from bridge.cli.up.orphans import stop_orphans
from bridge.cli.up.pidfile import PidRecord, PidRecords
from bridge.cli.up.restarts import consecutive_exits, describe_exit, restart_delay, should_give_up

DRIVER = """
import json, signal, sys
from pathlib import Path
from bridge.cli.up.data_dir import open_data_dir
from bridge.cli.up.orphans import stop_leftovers
from bridge.cli.up.program import Program
from bridge.cli.up.signals import Signals
from bridge.cli.up.supervisor import Supervisor

def say(line):
    print(line, flush=True)

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # it is ignored under nohup
with open_data_dir(Path(sys.argv[1])) as data, Signals() as signals:
    stop_leftovers(data, say)
    programs = [Program(name=name, argv=tuple(argv), env={}) for name, argv in json.loads(sys.argv[2])]
    Supervisor(programs, data=data, signals=signals, echo=say).run(lambda: say("ready"))
"""

# Records its start and its end, and runs until SIGTERM.
STEADY = """
import signal, sys, time
def note(what):
    with open(sys.argv[1], "a") as journal:
        journal.write(f"{what} {sys.argv[2]}\\n")
def stop(*_):
    note("stopped")
    sys.exit()
signal.signal(signal.SIGTERM, stop)
note("started")
while True:
    time.sleep(60)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
PYTHON = [sys.executable, "-I", "-S", "-c"]

Spec = list[tuple[str, list[str]]]


def eventually(look: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.02)


class Running:
    """A supervisor in its own process."""

    def __init__(self, data: Path, programs: Spec) -> None:
        self.data = data
        self.output = data.parent / "output"
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", DRIVER, str(data), json.dumps(programs)], stdout=output, stderr=output
            )

    def printed(self, line: str) -> bool:
        return line in self.output.read_text()

    def pid(self, name: str) -> int:
        entries: list[dict[str, Any]] = json.loads((self.data / "pids.json").read_text())
        return next(int(entry["pid"]) for entry in entries if entry["name"] == name)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal"
    path.touch()
    return path


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[Spec], Running]]:
    running: list[Running] = []

    def start(programs: Spec) -> Running:
        running.append(Running(tmp_path / "data", programs))
        return running[-1]

    yield start
    for each in running:
        if each.process.poll() is None:
            each.stop()
    stop_orphans(PidRecords(tmp_path / "data" / "pids.json").leftover())


def steady(journal: Path, *names: str) -> Spec:
    return [(name, [*PYTHON, STEADY, str(journal), name]) for name in names]


def lines(journal: Path) -> list[str]:
    return journal.read_text().splitlines()


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_programs_stop_in_reverse_order_so_redis_last(
    run: Callable[[Spec], Running], journal: Path, number: int
) -> None:
    up = run(steady(journal, "redis", "worker", "api"))
    eventually(lambda: len(lines(journal)) == 3)

    exit_code = up.stop(number)

    assert exit_code == 0
    assert lines(journal)[3:] == ["stopped api", "stopped worker", "stopped redis"]
    assert not (up.data / "pids.json").exists()


def test_a_killed_program_is_started_again_and_the_others_are_left_alone(
    run: Callable[[Spec], Running], journal: Path
) -> None:
    up = run(steady(journal, "redis", "worker"))
    eventually(lambda: len(lines(journal)) == 2)
    redis, worker = up.pid("redis"), up.pid("worker")

    os.kill(redis, signal.SIGKILL)
    eventually(lambda: lines(journal)[2:] == ["started redis"])

    assert up.printed(f"redis ended by signal 9; started again as pid {up.pid('redis')}")
    assert up.pid("redis") != redis
    assert up.pid("worker") == worker
    assert alive(worker)


def test_a_program_that_never_starts_ends_all_and_its_last_lines_are_shown(
    run: Callable[[Spec], Running], journal: Path
) -> None:
    up = run([*steady(journal, "redis"), ("api", [*PYTHON, "print('no such table'); raise SystemExit(1)"])])

    assert up.process.wait(15) == 1
    assert up.printed("api ended with exit code 1; starting again in 2 s")
    assert up.printed("api ended with exit code 1:\n  no such table")
    assert lines(journal)[-1] == "stopped redis"


def test_a_settings_error_is_not_retried(run: Callable[[Spec], Running], journal: Path) -> None:
    up = run([*steady(journal, "redis"), ("api", [*PYTHON, "print('POLL_FLOOR: not a span'); raise SystemExit(2)"])])

    assert up.process.wait(30) == 1
    assert up.printed("api ended with exit code 2:\n  POLL_FLOOR: not a span")
    assert not up.printed("started again")


def test_a_second_signal_stops_at_once(run: Callable[[Spec], Running]) -> None:
    up = run([("worker", [*PYTHON, DEAF])])
    log = up.data / "logs" / "worker.log"
    eventually(lambda: log.exists() and "deaf" in log.read_text())
    worker = up.pid("worker")

    up.process.send_signal(signal.SIGINT)
    eventually(lambda: up.printed("stopping"))
    up.process.send_signal(signal.SIGINT)

    assert up.process.wait(STOP_PATIENCE - 1) == 0
    assert not alive(worker)


def test_processes_of_a_killed_supervisor_are_stopped_by_the_next_one_redis_last(
    run: Callable[[Spec], Running], journal: Path
) -> None:
    killed = run(steady(journal, "redis", "worker", "api"))
    eventually(lambda: len(lines(journal)) == 3)
    orphans = [killed.pid(name) for name in ("redis", "worker", "api")]
    killed.stop(signal.SIGKILL)
    assert all(alive(pid) for pid in orphans)

    following = run(steady(journal, "redis"))
    eventually(lambda: len(lines(journal)) == 7)

    assert lines(journal)[3:] == ["stopped api", "stopped worker", "stopped redis", "started redis"]
    assert not any(alive(pid) for pid in orphans)
    assert following.printed(f"api (pid {orphans[2]}) was left behind by a killed `rally-bridge up`; stopped")


def test_a_child_that_was_not_recorded_never_executes_the_program(tmp_path: Path) -> None:
    made = tmp_path / "made"
    child = subprocess.Popen([*WAIT_UNTIL_RECORDED, "touch", str(made)], stdin=subprocess.PIPE)
    assert child.stdin is not None

    child.stdin.close()  # as the kernel does for a process that is killed

    assert child.wait(5) != 0
    assert not made.exists()


def test_another_process_with_the_id_of_an_orphan_is_left_alone() -> None:
    with subprocess.Popen([*PYTHON, "import time; time.sleep(60)"], start_new_session=True) as stranger:
        earlier = PidRecord("worker", stranger.pid, psutil.Process(stranger.pid).create_time() - 100)

        ended = stop_orphans([earlier])

        assert ended == []
        assert stranger.poll() is None
        stranger.kill()


def test_an_orphan_that_ignores_sigterm_is_killed_with_its_whole_group() -> None:
    parent = f"import subprocess; subprocess.Popen({[*PYTHON, DEAF]!r}); {DEAF}"
    with subprocess.Popen([*PYTHON, parent], stdout=subprocess.PIPE, start_new_session=True) as orphan:
        assert orphan.stdout is not None
        assert orphan.stdout.readline() == orphan.stdout.readline() == b"deaf\n"
        grandchild = psutil.Process(orphan.pid).children()[0].pid

        stop_orphans([PidRecord.of("worker", orphan.pid)], patience=0.2)

        eventually(lambda: not alive(grandchild))
        assert orphan.wait(5) == -signal.SIGKILL


def test_the_first_restart_is_immediate_and_the_others_are_ever_slower() -> None:
    assert [restart_delay(exits) for exits in range(1, 9)] == [0, 0.5, 1, 2, 4, 8, 10, 10]


def test_half_a_minute_of_health_resets_the_count() -> None:
    assert consecutive_exits(4, lived=29.9) == 5
    assert consecutive_exits(4, lived=30.0) == 1


@pytest.mark.parametrize(
    ("exit_code", "exits", "was_ready", "hopeless"),
    [(1, 4, False, False), (1, 5, False, True), (-9, 5, True, False), (2, 1, True, True)],
)
def test_a_program_that_was_never_ready_is_given_up(
    *, exit_code: int, exits: int, was_ready: bool, hopeless: bool
) -> None:
    assert should_give_up(exit_code, exits=exits, was_ready=was_ready) is hopeless


def test_exit_codes_are_described() -> None:
    assert describe_exit(-9) == "ended by signal 9"
    assert describe_exit(3) == "ended with exit code 3"

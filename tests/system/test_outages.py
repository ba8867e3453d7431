"""Outages in real time with real processes: nothing is lost, and work resumes without help."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import httpx
import psutil
import pytest

from tests.support.processes import Journey, free_ports, up, wait_for
from tests.support.redis_process import RedisProcess

pytestmark = pytest.mark.slow

AWAY = 20.0


@pytest.fixture
def redis_process(tmp_path: Path) -> Iterator[RedisProcess]:
    redis_process = RedisProcess(tmp_path)
    redis_process.start()
    yield redis_process
    redis_process.kill()


@contextmanager
def bridge(tmp_path: Path, redis_process: RedisProcess, **settings: str) -> Iterator[Journey]:
    with up(tmp_path / "data", free_ports(), REDIS_URL=redis_process.url, **settings) as journey:
        yield journey


def events(journey: Journey, name: str, program: str) -> int:
    lines = (journey.data / "logs" / f"{program}.log").read_text().splitlines()
    return sum(json.loads(line).get("event") == name for line in lines if line.startswith("{"))


def pause(seconds: float) -> None:
    """Wait in real time, for the length of an outage."""
    until = monotonic() + seconds
    wait_for(lambda: monotonic() >= until, "time")


def is_accepted(journey: Journey, import_id: str) -> bool:
    try:
        return bool(journey.post(import_id))
    except AssertionError:
        return False


def refused(journey: Journey) -> httpx.Response:
    url = f"http://127.0.0.1:{journey.port}/v1/watches"
    return journey.http.post(
        url, json={"importId": "x"}, headers={"Authorization": f"Bearer {journey.key}"}, timeout=20
    )


def test_an_outage_of_redis_for_twenty_seconds_loses_nothing(tmp_path: Path, redis_process: RedisProcess) -> None:
    with bridge(tmp_path, redis_process) as journey:
        watches = [journey.post(f"demo-slow-{number}") for number in range(3)]
        wait_for(lambda: all(journey.get(watch)["polls"] for watch in watches), "first polls")
        redis_process.kill()
        away_since = monotonic()

        wait_for(lambda: refused(journey).status_code == 503, "the 503")
        answer = refused(journey)
        assert answer.headers["retry-after"]
        assert answer.headers["content-type"] == "application/problem+json"
        ready = journey.http.get(f"http://127.0.0.1:{journey.port}/readyz", timeout=20)
        assert ready.status_code == 503
        assert "redis" in ready.json()
        pause(AWAY - (monotonic() - away_since))
        redis_process.start()
        polls = [journey.get(watch)["polls"] for watch in watches]

        wait_for(lambda: is_accepted(journey, "demo-completed-1"), "a POST")
        wait_for(lambda: [journey.get(watch)["polls"] for watch in watches] > polls, "polls to go on")
        wait_for(lambda: len(journey.messages(name="demo-completed-1")) == 1, "a message")
        assert all(journey.get(watch)["state"] in {"watching", "settled"} for watch in watches)
        assert events(journey, "redis.unavailable", "api") == 1
        assert events(journey, "redis.available", "api") == 1
        assert events(journey, "redis.unavailable", "worker") <= 1


def test_a_full_redis_loses_nothing_and_work_continues_when_there_is_room(
    tmp_path: Path, redis_process: RedisProcess
) -> None:
    with bridge(tmp_path, redis_process) as journey:
        watch = journey.post("demo-completed-1")
        wait_for(lambda: journey.get(watch)["polls"], "the first poll")
        redis_process.limit(1)
        wait_for(lambda: refused(journey).status_code == 503, "the 503")
        pause(12)
        assert [journey.get(watch)["state"] for _ in range(40)] == ["watching"] * 40
        redis_process.limit(0)

        wait_for(lambda: journey.get(watch)["outcome"] == "completed", "the outcome")
        wait_for(lambda: len(journey.messages(name="demo-completed-1")) >= 1, "the message")


def second_worker(journey: Journey) -> psutil.Popen:
    """Start one more worker, with the environment of the first."""
    first = journey.child("worker")
    with (journey.data / "logs" / "second.log").open("w") as log:
        return psutil.Popen(first.cmdline(), env=first.environ(), cwd=first.cwd(), stdout=log, stderr=log)


def fault(journey: Journey, **wish: object) -> None:
    journey.http.post(f"http://127.0.0.1:{journey.port + 1}/control/faults", json=wish).raise_for_status()


def asked(journey: Journey, import_id: str) -> int:
    requests = journey.http.get(f"http://127.0.0.1:{journey.port + 1}/control/requests").json()
    return sum(request["importId"] == import_id for request in requests)


def test_a_worker_killed_during_a_poll_delays_it_by_its_lease_at_most(
    tmp_path: Path, redis_process: RedisProcess
) -> None:
    with bridge(tmp_path, redis_process, POLL_LEASE="4s") as journey:
        journey.http.put(
            f"http://127.0.0.1:{journey.port + 1}/control/imports/imp",
            json={"statuses": [{"status": "COMPLETED"}]},
        ).raise_for_status()
        fault(journey, kind="hang", seconds=9)
        watch = journey.post("imp")
        wait_for(lambda: asked(journey, "imp"), "the poll that hangs")
        journey.child("worker").kill()

        wait_for(lambda: journey.get(watch)["outcome"] == "completed", "the outcome", patience=4 + 10)
        assert asked(journey, "imp") == 2


def test_a_worker_suspended_beyond_its_lease_changes_nothing_when_it_continues(
    tmp_path: Path, redis_process: RedisProcess
) -> None:
    with bridge(tmp_path, redis_process, POLL_LEASE="3s") as journey:
        stopped = journey.child("worker")
        fault(journey, kind="hang", seconds=1.2)
        watches = [journey.post(f"demo-partial-{number}") for number in range(6)]
        wait_for(lambda: asked(journey, "demo-partial-0"), "polls under way")
        os.kill(stopped.pid, signal.SIGSTOP)
        other = second_worker(journey)
        try:
            wait_for(lambda: all(journey.get(watch)["outcome"] for watch in watches), "all outcomes")
            wait_for(lambda: len(journey.messages()) >= 12, "all messages")
            before = [journey.get(watch) for watch in watches]
            os.kill(stopped.pid, signal.SIGCONT)
            pause(4)

            assert [journey.get(watch) for watch in watches] == before
            ids = [message["headers"].get("webhook-id") for message in journey.messages(kind="callback")]
            assert len(ids) == len(set(ids)) == 6
            assert len(journey.messages(kind="slack")) == 6
        finally:
            other.terminate()
            other.wait(20)

"""Shared fixtures: a real Redis, a clock that tests move, and the product built on both."""

import gc
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest
from redis import Redis

from bridge.cli.up.embedded_redis import find_binary
from bridge.domain.secret import Secret
from bridge.store.calls.connection import Store, connect

pytest.register_assert_rewrite("tests.support")  # before its import, so that its assertions show their values

from tests.support.plain_log import use_plain_log  # noqa: E402
from tests.support.slack_requests import SlackStandIn, slack_serving  # noqa: E402
from tests.support.world import World, opened, sandbox_serving  # noqa: E402

gc.disable()  # until all tests are collected: it would search thousands of objects again and again that all stay
use_plain_log()
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or xdist's workers and each program compile everything anew

# No deadlines: no test depends on how fast a machine is. CI runs the deep profile as well.
hypothesis.settings.register_profile("quick", deadline=None, max_examples=10)
hypothesis.settings.register_profile("deep", deadline=None, max_examples=300)
hypothesis.settings.load_profile("quick")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return two workers for each core, since the tests wait a third of their time."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_finish() -> None:
    """Exempt the collected tests from garbage collection, which takes a fifth of the run otherwise."""
    gc.collect()
    gc.freeze()
    gc.enable()


REDIS_SERVER = "RALLY_BRIDGE_TEST_REDIS"
"""Environment variable: the path of a server to test with in place of the bundled one."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def redis_server_path() -> str:
    """Return the path of the server to test with."""
    return os.environ.get(REDIS_SERVER) or str(find_binary().path)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis for the test run, on its own socket."""
    home = Path(tempfile.mkdtemp(prefix="rb-tests-"))
    socket = home / "redis.sock"
    arguments = ["--port", "0", "--unixsocket", str(socket), "--dir", str(home), "--save", ""]
    # Durable by its settings, as the operator would be told otherwise; but it waits for no disk and rewrites no file.
    arguments += ["--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0"]
    with (home / "redis.log").open("wb") as log:
        server = subprocess.Popen([redis_server_path(), *arguments], stdout=log, stderr=log)
    try:
        wait_until_it_answers(socket, server)
        yield f"unix://{socket}"
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(home)


def wait_until_it_answers(socket: Path, server: "subprocess.Popen[bytes]") -> None:
    """Block until the server answers; fail with its log if it has ended."""
    with Redis(unix_socket_path=str(socket)) as redis:
        for _ in range(500):
            assert server.poll() is None, (socket.parent / "redis.log").read_text()
            try:
                if redis.ping():
                    return
            except OSError:
                pass
            except Exception as error:
                if type(error).__name__ not in {"ConnectionError", "BusyLoadingError"}:
                    raise
            server_wait(server)
    raise AssertionError("the test's Redis does not answer")


def server_wait(server: "subprocess.Popen[bytes]") -> None:
    """Wait a moment, or until the server has ended."""
    try:
        server.wait(0.02)
    except subprocess.TimeoutExpired:
        return


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[Store]:
    """An empty store; `store.offset` moves its clock."""
    store = Store(connect(Secret(redis_url)))
    await store.call("FLUSHALL")
    yield store
    await store.redis.aclose()


@pytest.fixture(scope="session")
def sandbox_url() -> Iterator[str]:
    """The sandbox on a real port, for the whole run; each world resets it."""
    with sandbox_serving() as url:
        yield url


@pytest.fixture
async def world(redis_url: str, sandbox_url: str) -> AsyncIterator[World]:
    async with opened(redis_url, sandbox_url) as world:
        yield world


@pytest.fixture(scope="session")
def slack_server() -> Iterator[SlackStandIn]:
    with slack_serving() as slack:
        yield slack


@pytest.fixture
def slack(slack_server: SlackStandIn) -> SlackStandIn:
    """Slack's API as a stand-in, which has not been called yet."""
    slack_server.reset()
    return slack_server

"""The world of a test: the whole product and the sandbox in one process, on a real Redis, with a clock to move."""

import threading
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Literal

import httpx
import uvicorn

from bridge.destinations.callback_signing import derived_secret
from bridge.domain.heartbeats import ProcessInfo
from bridge.domain.times import MINUTE
from bridge.resources import Resources, open_resources
from bridge.sandbox.app import create_app
from bridge.sandbox.settings import SandboxSettings
from bridge.settings import Settings, load_settings
from bridge.startup import check_store
from bridge.store.layout import adopt_layout
from bridge.store.store_key import store_key
from bridge.tracing import Traces
from bridge.web.app import build
from tests.support.plain_http import plain_async_client
from workers.worker import Worker, build_worker

RALLY_KEY = "rally-key-of-the-tests"
CLIENT_KEY = "rbk_client-key-of-the-tests"
OTHER_KEY = "rbk_other-key-of-the-tests"
ADMIN_KEY = "rbk_admin-key-of-the-tests"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""The secret of the Standard Webhooks examples."""
BOT_TOKEN = "xoxb-token-of-the-tests"
SERVICE_SECRET = "whsec_c2VydmljZS1zZWNyZXQtb2YtdGhlLXRlc3RzIQ=="
SHIFT_LENGTH = 0.5
MOST_SHIFTS = 100
FERNET = urlsafe_b64encode(b"the encryption key of the tests.").decode()


@contextmanager
def serving(
    app: Any, *, http: Any = "auto", keep_alive: int = 5, lifespan: Literal["on", "off"] = "off"
) -> Iterator[str]:
    """Serve an ASGI app on a free loopback port in a thread; yield its URL."""
    config = uvicorn.Config(
        app, port=0, http=http, log_config=None, lifespan=lifespan, ws="none", timeout_keep_alive=keep_alive
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


@contextmanager
def sandbox_serving() -> Iterator[str]:
    secrets = (SECRET, derived_secret(SERVICE_SECRET, "crm"))
    settings = SandboxSettings(rally_key=RALLY_KEY, callback_secrets=secrets, slack_token=BOT_TOKEN)
    with serving(create_app(settings)) as url:
        yield url


@dataclass
class Sandbox:
    """The sandbox as a test controls it."""

    url: str
    http: httpx.AsyncClient

    async def set_import(self, import_id: str, *statuses: tuple[str, float], **facts: Any) -> None:
        """Define an import and its statuses, as (status, seconds from now)."""
        story = {"type": "CSV", "people": 120, "failed": 0, **facts}
        story["statuses"] = [{"status": status, "after": after} for status, after in statuses]
        (await self.http.put(f"/control/imports/{import_id}", json=story)).raise_for_status()

    async def faults(self, **fault: Any) -> None:
        (await self.http.post("/control/faults", json=fault)).raise_for_status()

    async def set_answers(self, name: str, *answers: dict[str, Any]) -> None:
        """Set how the receiver of a callback (or "slack") answers the next messages."""
        (await self.http.post(f"/control/inbox/{name}/answers", json=list(answers))).raise_for_status()

    async def requests(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.http.get("/control/requests")).json()
        return found

    async def messages(self, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.http.get("/inbox/messages", params=query)).json()
        return found

    def slack_url(self) -> str:
        return f"{self.url}/inbox/services/T000/B000/XXXX"

    def callback_url(self, name: str = "crm") -> str:
        return f"{self.url}/inbox/callbacks/{name}"


@dataclass
class World:
    """The resources, one worker, the API, and the sandbox around them."""

    resources: Resources
    worker: Worker
    api: httpx.AsyncClient
    sandbox: Sandbox

    def pass_time(self, span: int) -> None:
        """Move the clock ahead (ms)."""
        self.resources.store.offset += span

    async def heartbeat(self) -> None:
        """Send a heartbeat, as a worker that runs its jobs does every five seconds."""
        worker = ProcessInfo(id="wrk_test", host="test", version="0", started_at=0)
        await self.resources.heartbeats.send(worker)

    async def begin_minute(self) -> None:
        """Move the clock to the start of a minute, so that counts by the minute stay in one."""
        self.pass_time(MINUTE - await self.resources.store.now() % MINUTE)

    async def poll(self) -> None:
        """Run the poll shift, and the settling that it starts, until nothing more is due."""
        for shift in self.worker.polls.values():
            await _until_quiet(shift)
        await self.worker.settler.close()

    async def apply_rules(self) -> None:
        """Run the rules shift."""
        await _until_quiet(self.worker.rules)

    async def open_gate(self) -> None:
        """Decide about the held deliveries that are due, and send nothing."""
        await _until_quiet(self.worker.gate)

    async def live(self) -> None:
        """Post and edit the living messages that are due."""
        await _until_quiet(self.worker.living)

    async def edit_buttons(self) -> None:
        """Edit the messages about ends whose buttons have to change, as far as the pace of edits allows."""
        await _until_quiet(self.worker.end_buttons)

    async def deliver(self) -> None:
        await self.open_gate()
        await _until_quiet(self.worker.deliveries)

    async def nudge(self) -> None:
        """Check the watches that are due for it, and send the nudges."""
        await _until_quiet(self.worker.nudges)

    async def resume_wishes(self) -> None:
        """Ask Slack about the watches whose process did not come to its end."""
        await _until_quiet(self.worker.wishes)

    async def read_records(self) -> None:
        """Read the failed records that someone has asked for."""
        await _until_quiet(self.worker.record_reads)

    async def sweep(self) -> None:
        await self.worker.sweep.run()

    async def watch(self, import_id: str = "imp", *, key: str = CLIENT_KEY, **wish: Any) -> dict[str, Any]:
        """POST a watch that must be accepted."""
        answer = await self.api.post("/v1/watches", json={"importId": import_id, **wish}, headers=bearer(key))
        assert answer.status_code == 202, answer.text
        accepted: dict[str, Any] = answer.json()
        return accepted

    async def post(self, path: str, *, key: str = CLIENT_KEY, json: Any = None, **headers: str) -> httpx.Response:
        return await self.api.post(path, json=json, headers={**bearer(key), **headers})

    async def get(self, path: str, *, key: str = CLIENT_KEY, **query: Any) -> httpx.Response:
        return await self.api.get(path, params=query, headers=bearer(key))

    async def reload(self, watch: dict[str, Any]) -> dict[str, Any]:
        """GET a watch."""
        answer = await self.api.get(f"/v1/watches/{watch['id']}", headers=bearer(CLIENT_KEY))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


async def _until_quiet(shift: Any) -> None:
    """Run a shift again while it ends because its time is over: on a busy machine more may be due."""
    for _ in range(MOST_SHIFTS):
        began = monotonic()
        await shift.work()
        if not shift.running and monotonic() - began < SHIFT_LENGTH:
            return
    raise AssertionError("the shift always finds more to do")


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def settings(redis_url: str, sandbox_url: str, config: str = "", **changes: str) -> Settings:
    """Load settings for the sandbox; `config` is the text of a configuration file."""
    return _settings(redis_url, sandbox_url, config, tuple(changes.items()))


@cache
def _settings(redis_url: str, sandbox_url: str, config: str, changes: tuple[tuple[str, str], ...]) -> Settings:
    host = sandbox_url.removeprefix("http://")
    with TemporaryDirectory() as folder:
        file = Path(folder, "bridge.toml")
        file.write_text(config)
        environ = _environ(redis_url, sandbox_url, host) | {"BRIDGE_CONFIG_FILE": str(file)} | dict(changes)
        return load_settings(environ, None)


def _environ(redis_url: str, sandbox_url: str, host: str) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url,
        "RALLY_API_KEY": RALLY_KEY,
        "RALLY_BASE_URL": f"{sandbox_url}/rally/api/public/v1",
        "BRIDGE_API_KEYS": f"crm:{CLIENT_KEY},billing:{OTHER_KEY},ops:{ADMIN_KEY}:admin",
        "BRIDGE_ENCRYPTION_KEYS": FERNET,
        "CALLBACK_SECRETS": SERVICE_SECRET,
        "EGRESS_ALLOW": host,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_API_URL": f"{sandbox_url}/slack/api",
    }


@asynccontextmanager
async def opened(redis_url: str, sandbox_url: str, config: str = "", **changes: str) -> AsyncIterator[World]:
    """Open an empty world: nothing in Redis, nothing in the sandbox."""
    async with opened_with(settings(redis_url, sandbox_url, config, **changes), sandbox_url) as world:
        yield world


@asynccontextmanager
async def opened_with(known: Settings, sandbox_url: str, *, traces: Traces | None = None) -> AsyncIterator[World]:
    """Open an empty world with these settings, and with traces."""
    async with open_resources(known, traces=traces) as resources:
        await _empty(resources)
        reset_sandbox(sandbox_url)
        async with _built_on(resources, sandbox_url) as world:
            yield world


async def _empty(resources: Resources) -> None:
    """Empty Redis, and prepare it as `check_store` does in a Redis that is fit for use, which takes 2 ms longer."""
    await resources.store.call("FLUSHALL")
    assert await adopt_layout(resources.store) is None
    resources.fingerprinter.set_key(await store_key(resources.store, resources.encryptor))


def reset_sandbox(sandbox_url: str) -> None:
    connection = HTTPConnection(sandbox_url.removeprefix("http://"))
    try:
        connection.request("POST", "/control/reset")
        assert connection.getresponse().status == HTTPStatus.NO_CONTENT
    finally:
        connection.close()


@asynccontextmanager
async def reopened(redis_url: str, sandbox_url: str, config: str = "", **changes: str) -> AsyncIterator[World]:
    """Open a world on the data that another has left."""
    async with open_resources(settings(redis_url, sandbox_url, config, **changes)) as resources:
        await check_store(resources)
        async with _built_on(resources, sandbox_url) as world:
            yield world


@asynccontextmanager
async def _built_on(resources: Resources, sandbox_url: str) -> AsyncIterator[World]:
    transport = httpx.ASGITransport(build(resources), raise_app_exceptions=False)
    async with (
        plain_async_client(sandbox_url) as http,
        httpx.AsyncClient(transport=transport, base_url="http://bridge") as api,
    ):
        worker = build_worker(resources, shift_length=SHIFT_LENGTH)
        yield World(resources=resources, worker=worker, api=api, sandbox=Sandbox(sandbox_url, http))
        await worker.close()

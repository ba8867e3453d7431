"""Encrypted parts are bound to their record: write access to Redis does not reveal another client's data."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
from cryptography.fernet import Fernet

from bridge.domain.secret import Secret
from bridge.errors import DecryptionFailed
from bridge.store.encryption import Binding, Encryptor
from tests.support.configuration import client, workspace
from tests.support.world import ADMIN_KEY, CLIENT_KEY, OTHER_KEY, RALLY_KEY, SECRET, World, opened

pytestmark = pytest.mark.anyio
PRIVATE = ("label of crm", "C0OFCRM00", "answer of crm", "participant0@example.com", '"personCount":7777')
"""Texts of a watch, its destinations, attempts and import that another client must not read."""


@dataclass(frozen=True)
class Scene:
    """The ids of the watches: crm's of an ended and of an unfinished import, and billing's."""

    world: World
    ended: str
    open: str
    delivery: str
    """The delivery of the ended watch that its receiver rejected."""
    to_channel: str
    own_ended: str
    own_open: str
    own_delivery: str

    async def redis(self, command: str, *words: str | int) -> None:
        """Write to Redis as an attacker without our keys would; each command must change something."""
        assert await self.world.resources.store.call(command, *words) is not None

    async def copy(self, field: str, source: str, target: str) -> None:
        await self.redis("HSET", target, field, await self.world.resources.store.call("HGET", source, field))


KEYS = f"crm:{CLIENT_KEY},ops:{ADMIN_KEY}:admin"
CONFIG = workspace("eu", RALLY_KEY) + client("billing", OTHER_KEY, workspaces=["default"])
ONCE = {"Idempotency-Key": "once"}


async def set_up(world: World) -> Scene:
    await world.sandbox.set_import("done", ("COMPLETED", 0), people=7777, failed=1)
    await world.sandbox.set_import("going", ("UPLOADING", 0), people=7777)
    await world.sandbox.set_import("own-done", ("COMPLETED", 0))
    await world.sandbox.set_import("own-going", ("UPLOADING", 0))
    await world.sandbox.set_answers("crm", {"status": 410, "body": "answer of crm"})
    theirs = {"workspace": "eu", "label": "label of crm"}
    theirs_to = [
        {"type": "callback", "url": world.sandbox.callback_url()},
        {"type": "slack", "channel": "C0OFCRM00"},
    ]
    own_to = [{"type": "callback", "url": world.sandbox.callback_url("billing"), "secret": SECRET}]
    ended = await world.watch("done", notify=theirs_to, **theirs)
    going = await world.watch("going", **theirs)
    own_ended = await world.watch("own-done", key=OTHER_KEY, notify=own_to)
    own_going = (await world.post("/v1/watches", json={"importId": "own-going"}, key=OTHER_KEY, **ONCE)).json()
    await world.poll()
    await world.deliver()
    return Scene(
        world=world,
        ended=ended["id"],
        open=going["id"],
        delivery=f"dlv_{ended['id'].removeprefix('wat_')}0",
        to_channel=f"dlv_{ended['id'].removeprefix('wat_')}1",
        own_ended=own_ended["id"],
        own_open=own_going["id"],
        own_delivery=f"dlv_{own_ended['id'].removeprefix('wat_')}0",
    )


async def all_that_is_answered(scene: Scene, key: str) -> str:
    """Make every reading request as the client with this key."""
    watches = [scene.ended, scene.open, scene.own_ended, scene.own_open]
    deliveries = [scene.delivery, scene.own_delivery]
    paths = [f"/v1/watches/{each}" for each in watches] + [f"/v1/deliveries/{each}" for each in deliveries]
    paths += [f"/v1/watches/{each}/events" for each in (scene.ended, scene.own_ended)]
    queries = [{}, *({"importId": each} for each in ("done", "going", "own-done", "own-going"))]
    answers = [await scene.world.get(path, key=key) for path in (*paths, "/v1/deliveries")]
    answers += [await scene.world.get("/v1/watches", key=key, **query) for query in queries]
    answers.append(await scene.world.post("/v1/watches", json={"importId": "own-going"}, key=key, **ONCE))
    return "".join(answer.text for answer in answers).replace(": ", ":")


Attack = Callable[[Scene], Awaitable[None]]


async def give_the_ended_watch_away(scene: Scene) -> None:
    await scene.redis("HSET", f"rb:watch:{scene.ended}", "client", "billing")
    await scene.redis("ZADD", "rb:watches:of:billing:completed_with_failures", 0, scene.ended)


async def give_the_open_watch_away(scene: Scene) -> None:
    await scene.redis("HSET", f"rb:watch:{scene.open}", "client", "billing")
    await scene.redis("ZADD", "rb:watches:of:billing:watching", 0, scene.open)


async def list_it_as_the_others(scene: Scene) -> None:
    await scene.redis("ZADD", "rb:watches:of:billing:completed_with_failures", 0, scene.ended)
    await scene.redis("ZADD", "rb:deliveries:of:billing:abandoned", 0, scene.delivery)


async def copy_what_the_watch_is(scene: Scene) -> None:
    await scene.copy("private", f"rb:watch:{scene.ended}", f"rb:watch:{scene.own_ended}")


async def copy_how_the_watch_ended(scene: Scene) -> None:
    await scene.copy("ending", f"rb:watch:{scene.ended}", f"rb:watch:{scene.own_ended}")


async def take_another_field_of_the_same_watch(scene: Scene) -> None:
    await scene.redis("COPY", f"rb:watch:{scene.ended}", f"rb:watch:{scene.own_ended}", "REPLACE")
    await scene.redis("HSET", f"rb:watch:{scene.own_ended}", "client", "billing")


async def claim_the_delivery_for_a_watch(scene: Scene) -> None:
    await scene.redis("HSET", f"rb:watch:{scene.own_ended}", "deliveries", f"{scene.delivery} {scene.to_channel}")


async def give_the_delivery_away(scene: Scene) -> None:
    await scene.redis("HSET", f"rb:delivery:{scene.delivery}", "client", "billing", "watch", scene.own_ended)
    await claim_the_delivery_for_a_watch(scene)


async def copy_the_message(scene: Scene) -> None:
    await scene.copy("message", f"rb:delivery:{scene.to_channel}", f"rb:delivery:{scene.own_delivery}")


async def copy_the_attempts(scene: Scene) -> None:
    await scene.redis("COPY", f"rb:attempts:{scene.delivery}", f"rb:attempts:{scene.own_delivery}", "REPLACE")


async def copy_the_reading(scene: Scene) -> None:
    await scene.copy("reading", "rb:import:eu:going", "rb:import:default:own-going")


async def copy_the_reading_into_a_kept_answer(scene: Scene) -> None:
    (kept,) = await scene.world.resources.store.call("KEYS", "rb:replay:billing:*")
    reading = await scene.world.resources.store.call("HGET", "rb:import:eu:going", "reading")
    await scene.redis("HSET", kept, "i:reading", reading)


async def watch_the_others_import(scene: Scene) -> None:
    watch = f"rb:watch:{scene.own_open}"
    await scene.redis("HSET", watch, "workspace", "eu", "import_id", "going")


async def watch_and_cancel(scene: Scene) -> None:
    await watch_the_others_import(scene)
    await scene.world.post(f"/v1/watches/{scene.own_open}/cancel", key=OTHER_KEY)
    await scene.redis("HSET", f"rb:watch:{scene.own_open}", "workspace", "default", "import_id", "own-going")


async def wait_for_the_others_import(scene: Scene) -> None:
    await scene.redis("SADD", "rb:waiting:eu:going", scene.own_open)
    await scene.world.sandbox.set_import("going", ("COMPLETED", 0), people=7777, failed=1)
    scene.world.pass_time(60_000)
    await scene.world.poll()
    await scene.world.sweep()


ATTACKS = [
    give_the_ended_watch_away,
    give_the_open_watch_away,
    list_it_as_the_others,
    copy_what_the_watch_is,
    copy_how_the_watch_ended,
    take_another_field_of_the_same_watch,
    claim_the_delivery_for_a_watch,
    give_the_delivery_away,
    copy_the_message,
    copy_the_attempts,
    copy_the_reading,
    copy_the_reading_into_a_kept_answer,
    watch_the_others_import,
    watch_and_cancel,
    wait_for_the_others_import,
]


@pytest.fixture
async def scene(redis_url: str, sandbox_url: str) -> AsyncIterator[Scene]:
    async with opened(redis_url, sandbox_url, CONFIG, BRIDGE_API_KEYS=KEYS) as world:
        yield await set_up(world)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
async def test_write_access_to_redis_does_not_reveal_data_of_other_clients(attack: Attack, scene: Scene) -> None:
    await attack(scene)

    answered = await all_that_is_answered(scene, OTHER_KEY)
    assert scene.own_ended in answered
    assert [each for each in PRIVATE if each in answered] == []
    assert all("label of crm" not in each["body"] for each in await scene.world.sandbox.messages(name="billing"))


async def test_the_client_itself_reads_all_of_it(scene: Scene) -> None:
    answered = await all_that_is_answered(scene, CLIENT_KEY)

    assert [each for each in PRIVATE if each not in answered] == []


@pytest.mark.parametrize(
    "change",
    [{"record": "rb:watch:wat_2"}, {"field": "ending"}, {"client": "billing"}, {"about": ""}, {"client": "crm "}],
)
def test_an_encrypted_part_is_decrypted_only_for_its_own_binding(change: dict[str, str]) -> None:
    encryptor = Encryptor([Secret(Fernet.generate_key().decode())])
    here = Binding(record="rb:watch:wat_1", field="private", client="crm", about="rb:import:default:imp")
    encrypted = encryptor.encrypt("jäne@example.com", here)

    assert encryptor.decrypt(encrypted, here) == "jäne@example.com"
    with pytest.raises(DecryptionFailed, match="moved here"):
        encryptor.decrypt(encrypted, replace(here, **change))


def test_bindings_that_are_equal_when_concatenated_differ() -> None:
    alike = [
        Binding(record="ab", field="c"),
        Binding(record="a", field="bc"),
        Binding(record="a", field="b", client="c"),
        Binding(record="a", field="b", about="c"),
        Binding(record="2 1 0 ab", field="c"),
    ]

    assert len({each.digest() for each in alike}) == len(alike)

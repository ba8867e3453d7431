"""What the doctor finds about a restart of Redis, with users of the ACL."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from bridge.cli.doctor.checks_redis_restart import check_replay, may_replay
from tests.support.redis_server import port_of, redis_server, set_user


@pytest.mark.parametrize(
    ("default", "may"),
    [(["on"], True), (["off"], True), (["off", "nocommands"], False), (["resetkeys", "~cache:*"], False)],
)
@pytest.mark.anyio
async def test_the_permissions_of_the_user_default_decide_even_while_it_is_off(
    tmp_path: Path, default: list[str], *, may: bool
) -> None:
    with redis_server(tmp_path / "r") as admin:
        set_user(admin, "bridge", "on", ">pw", "~rb:*", "+@all", "-@admin", "+acl|dryrun")
        port = port_of(admin)
        set_user(admin, "default", *default)
        async with Redis(port=port, username="bridge", password="pw", decode_responses=True) as redis:
            assert await may_replay(redis) is may


@pytest.mark.anyio
async def test_without_the_permission_to_ask_it_is_unknown(tmp_path: Path) -> None:
    with redis_server(tmp_path / "r") as admin:
        set_user(admin, "bridge", "on", ">pw", "~rb:*", "+@all", "-@admin")
        async with Redis(port=port_of(admin), username="bridge", password="pw", decode_responses=True) as redis:
            assert await may_replay(redis) is None


@pytest.mark.anyio
async def test_a_bridge_that_is_the_user_default_needs_no_permission_to_ask(tmp_path: Path) -> None:
    with redis_server(tmp_path / "r") as admin:
        async with Redis(port=port_of(admin), decode_responses=True) as redis:
            assert await may_replay(redis) is True


@pytest.mark.parametrize(
    ("product", "version", "may", "state"),
    [
        ("Redis", (7, 0), True, "ok"),
        ("Redis", (7, 0), None, "warning"),
        ("Redis", (8, 2), False, "failed"),
        ("Valkey", (8, 1), False, "failed"),
        ("Valkey", (9, 1), False, "ok"),
    ],
)
def test_a_restart_that_would_lose_watches_is_a_finding(
    product: str, version: tuple[int, int], *, may: bool | None, state: str
) -> None:
    finding = check_replay(product, version, may=may)

    assert finding.state == state
    assert (finding.remedy is None) == (state == "ok")

"""Signing in to the console and out of it."""

import json

import pytest

from bridge.domain.times import HOUR
from bridge.web.invalid_keys import MAX_INVALID_KEYS
from tests.support.console import SIGN_IN, send, sign_in, token_in
from tests.support.outages import unavailable
from tests.support.world import ADMIN_KEY, CLIENT_KEY, OTHER_KEY, World, opened, reopened

pytestmark = pytest.mark.anyio

WATCHES = "/console/watches"


async def test_who_is_not_signed_in_is_sent_to_the_form_and_then_back(world: World) -> None:
    away = await world.api.get(WATCHES, params={"label": "Q4 panel"})
    assert away.status_code == 303
    assert away.headers["location"] == "/console/sign-in?next=/console/watches%3Flabel%3DQ4%2Bpanel"

    form = await world.api.get(away.headers["location"])
    back = await world.api.post(
        SIGN_IN, data={"csrf": token_in(form.text), "key": CLIENT_KEY, "next": "/console/watches?label=Q4+panel"}
    )
    assert (back.status_code, back.headers["location"]) == (303, "/console/watches?label=Q4+panel")
    page = await world.api.get(back.headers["location"])
    assert page.status_code == 200
    assert 'value="Q4 panel"' in page.text


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/consolation", "\\\\evil", ""])
async def test_after_signing_in_nobody_is_led_to_another_site(world: World, target: str) -> None:
    assert (await sign_in(world, next=target)).headers["location"] == "/console"


async def test_the_cookie_can_not_be_read_by_scripts_and_is_sent_only_to_the_console(world: World) -> None:
    plain = (await sign_in(world)).headers["set-cookie"]
    assert "HttpOnly" in plain
    assert "SameSite=lax" in plain
    assert "Path=/console" in plain
    assert "Max-Age=28800" in plain
    assert "Secure" not in plain

    world.api.cookies.clear()
    behind_tls = await world.api.get(SIGN_IN, headers={"X-Forwarded-Proto": "https, http"})
    assert "Secure" in behind_tls.headers["set-cookie"]


@pytest.mark.parametrize("key", ["", "rbk_no-such-key-at-all", CLIENT_KEY[:-1], "é"])
async def test_a_wrong_key_begins_no_session(world: World, key: str) -> None:
    refused = await sign_in(world, key)
    assert refused.status_code == (401 if key else 422)
    assert key not in refused.text or not key
    assert (await world.api.get(WATCHES)).status_code == 303


async def test_wrong_keys_are_limited_as_in_the_api(world: World) -> None:
    for _ in range(MAX_INVALID_KEYS):
        assert (await sign_in(world, "rbk_a-guessed-key")).status_code == 401
    limited = await sign_in(world, "rbk_a-guessed-key")
    assert limited.status_code == 429
    assert int(limited.headers["retry-after"]) > 0
    assert (await sign_in(world)).status_code == 303


async def test_a_form_without_the_token_of_its_browser_begins_no_session(world: World) -> None:
    foreign = await world.api.post(SIGN_IN, data={"key": CLIENT_KEY})
    assert foreign.status_code == 403
    await world.api.get(SIGN_IN)
    guessed = await world.api.post(SIGN_IN, data={"key": CLIENT_KEY, "csrf": "guessed"})
    assert guessed.status_code == 403
    assert (await world.api.get(WATCHES)).status_code == 303


async def test_signing_out_ends_the_session_of_every_copy_of_the_cookie(signed_in: World) -> None:
    stolen = dict(signed_in.api.cookies)

    out = await send(signed_in, WATCHES, "/console/sign-out")
    assert (out.status_code, out.headers["location"]) == (303, SIGN_IN)
    assert not signed_in.api.cookies
    signed_in.api.cookies.update(stolen)
    assert (await signed_in.api.get(WATCHES)).status_code == 303


async def test_a_form_needs_the_token_of_the_session(signed_in: World) -> None:
    refused = await signed_in.api.post("/console/sign-out", data={"csrf": "guessed"})
    assert refused.status_code == 403
    assert "Nothing was changed" in refused.text
    assert (await signed_in.api.get(WATCHES)).status_code == 200


async def test_a_session_is_over_after_eight_hours(signed_in: World) -> None:
    signed_in.pass_time(8 * HOUR)
    assert (await signed_in.api.get(WATCHES)).status_code == 303
    assert (await signed_in.api.post("/console/sign-out", data={"csrf": "any"})).headers["location"] == SIGN_IN


async def test_a_session_ends_with_its_key(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url) as world:
        await sign_in(world)
        cookies = dict(world.api.cookies)
    async with reopened(redis_url, sandbox_url, BRIDGE_API_KEYS=f"crm:{OTHER_KEY},ops:{ADMIN_KEY}:admin") as world:
        world.api.cookies.update(cookies)
        assert (await world.api.get(WATCHES)).status_code == 303


async def test_without_the_console_there_is_no_path_of_it(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, BRIDGE_CONSOLE="false") as world:
        for path in ("/console", SIGN_IN, WATCHES, "/console/static/console.css"):
            answer = await world.api.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert (await world.api.post(SIGN_IN, data={"key": CLIENT_KEY})).status_code == 404


async def test_a_page_allows_only_files_of_our_own_and_is_not_kept(signed_in: World) -> None:
    page = await signed_in.api.get(WATCHES)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-frame-options"] == "DENY"
    assert "style=" not in page.text
    assert "<style" not in page.text


async def test_visits_are_limited_apart_from_the_calls_of_the_api(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, CLIENT_RATE_LIMIT="2") as world:
        await sign_in(world)
        await world.begin_minute()
        answers = [await world.api.get(WATCHES) for _ in range(3)]
        assert [each.status_code for each in answers] == [200, 200, 429]
        assert "retry-after" in answers[-1].headers
        assert (await world.get("/v1/watches")).status_code == 200


@pytest.mark.parametrize("content", [b"\xff\xfe", b"&".join(b"a=1" for _ in range(200)), json.dumps({}).encode()])
async def test_what_is_not_a_form_is_refused(world: World, content: bytes) -> None:
    kind = "application/json" if content == b"{}" else "application/x-www-form-urlencoded"
    refused = await world.api.post(SIGN_IN, content=content, headers={"Content-Type": kind})
    assert refused.status_code == (415 if content == b"{}" else 400)
    assert refused.headers["content-type"].startswith("text/html")


async def test_without_redis_every_page_says_so(signed_in: World) -> None:
    with unavailable(signed_in.resources.store):
        for path in (SIGN_IN, WATCHES, "/console"):
            page = await signed_in.api.get(path)
            assert (page.status_code, page.headers["retry-after"]) == (503, "5")
            assert page.headers["content-type"].startswith("text/html")
            assert "Temporarily unavailable" in page.text
    assert (await signed_in.api.get(WATCHES)).status_code == 200

"""Pages of other origins may call the API only if CORS_ORIGINS names their origin."""

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bridge.web.app import build
from tests.support.api_process import served
from tests.support.browser import chromium
from tests.support.world import CLIENT_KEY, World, bearer, opened, serving

pytestmark = pytest.mark.anyio

TOOL = "https://tools.example.com"
OTHER = "https://other.example.com"
ALLOWED = f"{TOOL}, http://localhost:3000"


async def preflight(
    world: World, origin: str, headers: str = "authorization,content-type,idempotency-key"
) -> httpx.Response:
    sent = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": headers}
    return await world.api.options("/v1/watches", headers=sent)


async def test_without_the_setting_no_origin_is_allowed(world: World) -> None:
    assert "access-control-allow-origin" not in (await preflight(world, TOOL)).headers
    answer = await world.api.get("/v1/watches", headers={**bearer(CLIENT_KEY), "Origin": TOOL})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("origin", [TOOL, "http://localhost:3000"])
async def test_a_page_of_an_allowed_origin_may_call_and_read_the_answer(
    redis_url: str, sandbox_url: str, origin: str
) -> None:
    async with opened(redis_url, sandbox_url, CORS_ORIGINS=ALLOWED) as world:
        preflighted = await preflight(world, origin)
        assert (preflighted.status_code, preflighted.headers["access-control-allow-origin"]) == (200, origin)
        assert preflighted.headers["x-request-id"]
        answer = await world.post("/v1/watches", json={"importId": "imp"}, Origin=origin)
        refused = await world.post("/v1/watches", json={}, Origin=origin)

    for each, status in ((answer, 202), (refused, 422)):
        assert (each.status_code, each.headers["access-control-allow-origin"]) == (status, origin)
        assert each.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in each.headers
    assert {"location", "retry-after"} <= set(answer.headers["access-control-expose-headers"].lower().split(", "))


async def test_a_page_may_read_the_answer_to_an_unexpected_error(redis_url: str, sandbox_url: str) -> None:
    async def fail(_: Request) -> Response:
        raise ZeroDivisionError

    async with opened(redis_url, sandbox_url, CORS_ORIGINS=ALLOWED) as world:
        app = build(world.resources)
        app.router.routes.append(Route("/v1/failing", fail))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bridge") as api:
            answer = await api.get("/v1/failing", headers={"Origin": TOOL})

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.headers["access-control-allow-origin"] == TOOL


@pytest.mark.parametrize("origin", [OTHER, "http://tools.example.com", f"{TOOL}:8443", "null", f"{TOOL}.example.net"])
async def test_another_origin_is_not_allowed(redis_url: str, sandbox_url: str, origin: str) -> None:
    async with opened(redis_url, sandbox_url, CORS_ORIGINS=ALLOWED) as world:
        preflighted = await preflight(world, origin)
        answer = await world.api.get("/v1/watches", headers={**bearer(CLIENT_KEY), "Origin": origin})

    assert_refused(preflighted, "CORS_ORIGINS does not contain this origin.")
    assert "access-control-allow-origin" not in preflighted.headers
    assert "access-control-allow-origin" not in answer.headers


def assert_refused(preflighted: httpx.Response, detail: str) -> None:
    assert (preflighted.status_code, preflighted.headers["content-type"]) == (400, "application/problem+json")
    document = preflighted.json()
    assert (document["type"], document["code"]) == ("/docs#preflight-refused", "preflight_refused")
    assert document["detail"] == detail
    assert "Origin" in preflighted.headers["vary"]


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({"Access-Control-Request-Method": "PUT"}, "The methods are GET, HEAD, POST."),
        (
            {"Access-Control-Request-Headers": "authorization, x-own"},
            "The headers are Authorization, Content-Type, Idempotency-Key, X-Request-Id.",
        ),
        (
            {"Access-Control-Request-Private-Network": "true"},
            "Requests from public pages into a private network are not allowed.",
        ),
    ],
)
async def test_a_preflight_for_something_else_is_refused_with_what_is_allowed(
    redis_url: str, sandbox_url: str, headers: dict[str, str], detail: str
) -> None:
    asked = {"Origin": TOOL, "Access-Control-Request-Method": "POST", **headers}
    async with opened(redis_url, sandbox_url, CORS_ORIGINS=ALLOWED) as world:
        preflighted = await world.api.options("/v1/watches", headers=asked)

    assert_refused(preflighted, detail)
    assert preflighted.headers["access-control-allow-origin"] == TOOL


async def test_an_options_request_without_preflight_headers_lists_the_methods(redis_url: str, sandbox_url: str) -> None:
    async with opened(redis_url, sandbox_url, CORS_ORIGINS=ALLOWED) as world:
        answer = await world.api.options("/v1/watches", headers={"Origin": TOOL})

    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")


CALL = """
async ([url, key]) => {
  const headers = {Authorization: `Bearer ${key}`, "Content-Type": "application/json", "Idempotency-Key": "once"};
  try {
    const answer = await fetch(`${url}/v1/watches`, {method: "POST", headers, body: '{"importId": "imp"}'});
    return [answer.status, answer.headers.get("Location"), (await answer.json()).importId];
  } catch (error) {
    return [error.name];
  }
}
"""


LONG_HEADER = """
async ([url, key]) => {
  const headers = {Authorization: `Bearer ${key}`, "Idempotency-Key": "x".repeat(70000)};
  const answer = await fetch(`${url}/v1/watches`, {headers});
  return [answer.status, answer.headers.get("X-Request-Id").slice(0, 4), (await answer.json()).code];
}
"""


@pytest.mark.slow
def test_a_browser_lets_only_pages_of_the_allowed_origin_call(redis_url: str) -> None:
    tool = Starlette(routes=[Route("/", lambda _: HTMLResponse("<title>A tool</title>"))])
    with (
        chromium() as browser,
        serving(tool) as origin,
        served(redis_url, CORS_ORIGINS=origin) as api,
    ):
        page = browser.new_page()
        page.goto(origin)
        status, location, import_id = page.evaluate(CALL, [api, CLIENT_KEY])
        too_large = page.evaluate(LONG_HEADER, [api, CLIENT_KEY])
        page.goto(origin.replace("127.0.0.1", "localhost"))
        refused = page.evaluate(CALL, [api, CLIENT_KEY])

    assert (status, import_id) == (202, "imp")
    assert location.startswith("/v1/watches/wat_")
    assert too_large == [431, "req_", "headers_too_large"]
    assert refused == ["TypeError"]

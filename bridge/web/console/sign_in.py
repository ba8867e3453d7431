"""Signing in to the console with an API key, and signing out."""

from collections.abc import Mapping

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bridge.domain.clients import digest
from bridge.domain.times import SECOND, Moment
from bridge.resources import Resources
from bridge.web.auth import invalid_key, match
from bridge.web.console.forms import read_form
from bridge.web.console.rendering import html
from bridge.web.console.sessions import SESSION_LASTS, Session, is_token_of, new_session, seal
from bridge.web.console.visits import COOKIE, SIGN_IN, Visit, action, session_in, shown_in_html, visit_of
from bridge.web.refusals import Refused

HOME = "/console"

log = structlog.get_logger()


@shown_in_html
async def show(request: Request) -> Response:
    """Show the form; somebody who is signed in is sent on."""
    target = _target(request.query_params.get("next", ""))
    if await visit_of(request) is not None:
        return RedirectResponse(target, 303)
    return await _form(request, target)


@shown_in_html
async def sign_in(request: Request) -> Response:
    """Begin a session for the client of the key."""
    resources: Resources = request.app.state.resources
    form = await read_form(request)
    target, now = _target(form.get("next", "")), await resources.store.now()
    session = session_in(request, now)
    if session is None or not is_token_of(session, form.get("csrf", "")):
        return await _form(request, target, 403, "The form has expired, or your browser keeps no cookies. Try again.")
    key = form.get("key", "")
    client = match(key, resources.settings.clients) if key else None
    if client is None:
        return await _refuse(request, target, invalid_key(request) if key else None)
    log.info("console.signed_in", client=client.name)
    response = RedirectResponse(target, 303)
    _keep(request, response, new_session(now, client=client.name, key=digest(key)))
    return response


async def _refuse(request: Request, target: str, refused: Refused | None) -> Response:
    if refused is None:
        return await _form(request, target, 422, "Enter your API key.")
    response = await _form(request, target, refused.refusal.status, f"{refused.refusal.title}.")
    if wait := (refused.headers or {}).get("Retry-After"):
        response.headers["Retry-After"] = wait
    return response


@action
async def sign_out(visit: Visit, _: Mapping[str, str]) -> Response:
    """End the session: for this browser, and for every copy of its cookie."""
    await visit.resources.console_sessions.end(visit.session.id, SESSION_LASTS)
    log.info("console.signed_out", client=visit.client.name)
    response = RedirectResponse(SIGN_IN, 303)
    response.delete_cookie(COOKIE, path="/console")
    return response


async def _form(request: Request, target: str, status: int = 200, problem: str = "") -> Response:
    """Return the form, under a session that protects it."""
    now = await request.app.state.resources.store.now()
    session = _unsigned(request, now) or new_session(now)
    response = html("sign_in.html", status, csrf=session.csrf, target=target, problem=problem)
    _keep(request, response, session)
    return response


def _unsigned(request: Request, now: Moment) -> Session | None:
    """Return the session of another tab in which nobody has signed in."""
    session = session_in(request, now)
    return None if session is None or session.client else session


def _keep(request: Request, response: Response, session: Session) -> None:
    """Set the cookie. A proxy says that the browser uses TLS; a browser that says so itself only restricts itself."""
    encrypted = "https" in {
        request.url.scheme,
        request.headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower(),
    }
    response.set_cookie(
        COOKIE,
        seal(request.app.state.resources.encryptor, session),
        max_age=SESSION_LASTS // SECOND,
        path="/console",
        secure=encrypted,
        httponly=True,
        samesite="lax",
    )


def _target(wanted: str) -> str:
    """Return where to go after signing in: a page of the console, never another site."""
    return wanted if wanted.startswith(f"{HOME}/") else HOME

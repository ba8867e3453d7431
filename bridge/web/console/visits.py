"""Visits of the console: who asks for a page or sends a form; and errors as pages."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bridge.domain.clients import Client
from bridge.domain.times import Moment
from bridge.errors import DecryptionFailed, StoreUnavailable
from bridge.resources import Resources
from bridge.web import problems
from bridge.web.auth import rate_limited
from bridge.web.console.forms import read_form
from bridge.web.console.navigation import entries_for
from bridge.web.console.rendering import html
from bridge.web.console.sessions import Session, client_of, is_token_of, unseal
from bridge.web.refusals import Refusal, Refused
from bridge.web.requests.duplicate_headers import refuse_duplicate_headers
from bridge.web.routing import CLIENT, Endpoint

COOKIE = "rally_bridge_console"
SIGN_IN = "/console/sign-in"
EXPIRED_FORM = "The form has expired. Open its page again, and repeat it. Nothing was changed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request of somebody who is signed in."""

    request: Request
    resources: Resources
    client: Client
    session: Session
    now: Moment

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page with the navigation."""
        return html(
            template,
            status,
            client=self.client,
            csrf=self.session.csrf,
            entries=entries_for(self.client),
            path=self.request.url.path,
            now=self.now,
            **values,
        )


Page = Callable[[Visit], Awaitable[Response]]
Action = Callable[[Visit, Mapping[str, str]], Awaitable[Response]]


def shown_in_html(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that answers as if there were no console if that is off, and whose errors are pages."""

    @wraps(endpoint)
    async def answer(request: Request) -> Response:
        if not request.app.state.resources.settings.bridge_console:
            raise HTTPException(404)
        try:
            refuse_duplicate_headers(request.headers.raw)
            return await endpoint(request)
        except Refused as error:
            return _error_page(problems.refused(request, error))
        except StoreUnavailable as error:
            return _error_page(problems.store_unavailable(request, error))
        except DecryptionFailed as error:
            return _error_page(problems.decryption_failed(request, error))

    return answer


def page(show: Page) -> Endpoint:
    """Return the endpoint of a page. It sends a visitor without a session to the form for signing in, and then back."""

    @shown_in_html
    @wraps(show)
    async def endpoint(request: Request) -> Response:
        visit = await visit_of(request)
        if visit is None:
            return to_sign_in(request)
        await count_visit(visit)
        return await show(visit)

    return endpoint


def admin_page(show: Page) -> Endpoint:
    """Return the endpoint of a page that does not exist for other clients than admins."""

    @wraps(show)
    async def checked(visit: Visit) -> Response:
        if not visit.client.admin:
            raise Refused(Refusal.NOT_FOUND, "There is no such page.")
        return await show(visit)

    return page(checked)


def action(act: Action) -> Endpoint:
    """Return the endpoint of a form, which must have the token of the session."""

    @shown_in_html
    @wraps(act)
    async def endpoint(request: Request) -> Response:
        visit = await visit_of(request)
        if visit is None:
            return RedirectResponse(SIGN_IN, 303)
        await count_visit(visit)
        form = await read_form(request)
        if not is_token_of(visit.session, form.get("csrf", "")):
            raise Refused(Refusal.FORBIDDEN, EXPIRED_FORM)
        return await act(visit, form)

    return endpoint


async def visit_of(request: Request) -> Visit | None:
    """Return the visit of a request; None if nobody is signed in any more."""
    resources: Resources = request.app.state.resources
    now = await resources.store.now()
    session = session_in(request, now)
    client = None if session is None else client_of(session, resources.settings.clients)
    if session is None or client is None or await resources.console_sessions.has_ended(session.id):
        return None
    request.scope[CLIENT] = client.name
    return Visit(request=request, resources=resources, client=client, session=session, now=now)


def session_in(request: Request, now: Moment) -> Session | None:
    """Return the session of a request's cookie, whether or not somebody is signed in."""
    return unseal(request.app.state.resources.encryptor, request.cookies.get(COOKIE, ""), now)


async def count_visit(visit: Visit) -> None:
    """Count a visit, apart from the client's calls of the API. Raise Refused with 429 above the same limit."""
    if wait := await visit.resources.rate_limiter.acquire(f"console:{visit.client.name}", 1):
        raise rate_limited(visit.resources, wait)


def to_sign_in(request: Request) -> Response:
    """Send the browser to the form for signing in, which then leads back to this page."""
    url = request.url
    back = url.path + (f"?{url.query}" if url.query else "")
    return RedirectResponse(f"{SIGN_IN}?next={quote(back, safe='/')}", 303)


def _error_page(response: Response) -> Response:
    """Return the page of an error that the API would answer with a problem document."""
    headers = {name: value for name, value in response.headers.items() if name == "retry-after"}
    return html("error.html", response.status_code, headers, problem=json.loads(bytes(response.body)))

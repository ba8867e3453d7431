"""The URLs that received messages are addressed to. A bridge that runs on the sandbox sends each one to `/outbound/…`.

The path holds the URL that the message is addressed to: `/outbound/https/hooks.slack.com/services/…`.
"""

from starlette.requests import Request

from bridge.sandbox.slack.state.response_urls import KINDS
from bridge.sandbox.slack.state.uploads import PATH

SLACK_DOMAINS = ("slack.com", "slack-gov.com")
API = "api/"


def url_of(request: Request) -> str:
    """Return the URL that a message was sent to, without its query and a webhook's token."""
    params, path = request.path_params, request.url.path
    if "scheme" in params:
        return f"{params['scheme']}://{params['host']}/{_without_token(params['path'])}"
    return f"{request.url.scheme}://{request.headers.get('host', '')}{_without_token(path)}"


def host_of(request: Request) -> str:
    """Return the host, without its port, that a message in `/outbound/…` is addressed to."""
    host: str = request.path_params["host"]
    return host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host


def slack_method(request: Request) -> str | None:
    """Return the method of Slack's Web API that a message in `/outbound/…` calls, if it does."""
    path: str = request.path_params["path"]
    return path.removeprefix(API) if _is_slack(host_of(request)) and path.startswith(API) else None


def slack_response(request: Request) -> str | None:
    """Return the path of a response URL, if a message in `/outbound/…` goes to one."""
    path: str = request.path_params["path"]
    return path if _is_slack(host_of(request)) and path.startswith(KINDS) else None


def slack_upload(request: Request) -> str | None:
    """Return the path of an upload of a file, if a message in `/outbound/…` is one."""
    path: str = request.path_params["path"]
    return path if _is_slack(host_of(request)) and path.startswith(PATH) else None


def is_webhook(request: Request) -> bool:
    """Return whether a message in `/outbound/…` is for an incoming webhook: at Slack, or at a compatible product."""
    return _is_slack(host_of(request)) or "webhook-id" not in request.headers


def _is_slack(host: str) -> bool:
    return any(host == each or host.endswith(f".{each}") for each in SLACK_DOMAINS)


def _without_token(path: str) -> str:
    """Return a path without the last part of an incoming webhook's, which is its secret."""
    before, services, rest = path.partition("services/")
    return f"{before}{services}{rest.rpartition('/')[0]}/…" if services and before in {"", "/inbox/"} else path

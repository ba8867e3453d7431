"""What the settings configure for destinations: named ones, signing, Slack credentials, egress and TLS trust.

Each function that can fail raises SettingsError with the place and the name of the setting.
"""

from collections.abc import Iterator, Mapping

from bridge.destinations import Sender
from bridge.destinations.callback import header_problem
from bridge.destinations.callback_signing import Signing, check_private_key
from bridge.destinations.egress.client import EgressRules
from bridge.destinations.egress.diversion import Diversion
from bridge.destinations.egress.rules import check_callback, check_url
from bridge.destinations.egress.urls import Forbidden, parse_url
from bridge.destinations.slack.bot import SlackBot
from bridge.domain.destinations import Callback, NamedDestination, ResolvedDestination, SlackChannel, SlackWebhook
from bridge.domain.secret import Secret
from bridge.errors import SettingsError
from bridge.http import Trust, check_proxy
from bridge.http.trust import trust_with
from bridge.settings import Settings
from bridge.settings.problems import problem, shown_key


def named_destinations(settings: Settings) -> Mapping[str, ResolvedDestination]:
    """Return the named destinations; check that they and those of the rules can be sent to."""
    rules = egress_rules(settings)
    problems = [
        problem(settings.place(f"{table}.{'.'.join(key)}"), f"{table}.{shown_key(*key)}", text)
        for table, destination in _configured(settings)
        for key, text in _objections(destination, rules)
    ]
    if problems:
        raise SettingsError(problems)
    return settings.destinations


def _configured(settings: Settings) -> Iterator[tuple[str, ResolvedDestination]]:
    """Yield each destination of the configuration file, with the key of its table."""
    for name, destination in settings.destinations.items():
        yield f"destinations.{name}", destination
    for rule in settings.rules:
        for number, each in enumerate(rule.notify, start=1):
            if not isinstance(each, NamedDestination):
                yield f"rules.{rule.name}.notify.{number}", each


def _objections(destination: ResolvedDestination, rules: EgressRules) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the key and the sentence of each reason why nothing can be sent."""
    match destination:
        case SlackWebhook(url=url):
            yield from _wrong_url(check_url(url.reveal(), rules, slack=True))
        case Callback(url=url, headers=headers):
            yield from _wrong_url(check_callback(url.reveal(), rules))
            for name, value in headers.items():
                if text := header_problem(name, value.reveal()):
                    yield ("headers", name), text
        case SlackChannel():
            pass


def _wrong_url(wrong: Forbidden | None) -> Iterator[tuple[tuple[str, ...], str]]:
    if wrong:
        yield ("url",), wrong.for_operators


def sender_of(settings: Settings) -> Sender:
    """Return the signing secrets and Slack credentials. Raises SettingsError if a key or URL is invalid."""
    keys = settings.callback_ed25519_keys
    problems = [
        settings.problem("CALLBACK_ED25519_KEYS", f"key {number} {problem}")
        for number, key in enumerate(keys, start=1)
        if (problem := check_private_key(key.reveal()))
    ]
    if isinstance(wrong := parse_url(settings.slack_api_url), Forbidden):
        problems.append(settings.problem("SLACK_API_URL", wrong.detail))
    if problems:
        raise SettingsError(problems)
    token = settings.slack_bot_token
    return Sender(
        signing=Signing(settings.callback_secrets, keys),
        slack_bot=None if token is None else SlackBot(token=token, api_url=settings.slack_api_url),
        slack_at_most_once=settings.slack_at_most_once,
    )


def egress_rules(settings: Settings) -> EgressRules:
    """Parse EGRESS_ALLOW, and allow the sandbox if there is one; the error names every invalid entry."""
    try:
        rules = EgressRules.parse(settings.egress_allow)
    except ValueError as error:
        raise SettingsError([settings.problem("EGRESS_ALLOW", str(error))]) from error
    sandbox = diversion(settings)
    return rules if sandbox is None else rules.for_sandbox(sandbox.host, sandbox.port)


def check_heartbeat_url(settings: Settings) -> None:
    """Check that OPERATOR_HEARTBEAT_URL may be called."""
    url = settings.operator_heartbeat_url
    if url is not None and (wrong := check_url(url.reveal(), egress_rules(settings), slack=False)):
        raise SettingsError([settings.problem("OPERATOR_HEARTBEAT_URL", wrong.for_operators)])


def diversion(settings: Settings) -> Diversion | None:
    """Return the diversion to EGRESS_SANDBOX; None in production."""
    if settings.egress_sandbox is None:
        return None
    try:
        return Diversion.to(settings.egress_sandbox)
    except ValueError as error:
        raise SettingsError([settings.problem("EGRESS_SANDBOX", str(error))]) from error


def diverted_workspaces(settings: Settings) -> list[str]:
    """Return the workspaces whose messages go to EGRESS_SANDBOX although their imports are not the sandbox's."""
    if settings.egress_sandbox is None:
        return []
    origin = f"{settings.egress_sandbox.rstrip('/')}/"
    return [name for name, each in settings.workspaces.items() if not each.base_url.startswith(origin)]


def egress_proxy(settings: Settings) -> Secret | None:
    """Return EGRESS_PROXY; check that it can be used."""
    if settings.egress_proxy is not None and (wrong := check_proxy(settings.egress_proxy)):
        raise SettingsError([settings.problem("EGRESS_PROXY", wrong)])
    return settings.egress_proxy


def egress_trust(settings: Settings) -> Trust:
    """Return trust in the system's authorities and in those of EGRESS_CA_FILE."""
    try:
        return trust_with(settings.egress_ca_file)
    except ValueError as error:
        raise SettingsError([settings.problem("EGRESS_CA_FILE", str(error))]) from error

"""What the settings configure for all destinations: named addresses, signing and Slack credentials, egress, TLS trust.

Each function that can fail raises SettingsError with the name of the setting.
"""

from bridge.destinations import Sender
from bridge.destinations.diversion import Diversion
from bridge.destinations.egress import EgressRules
from bridge.destinations.signatures import Signing, check_private_key
from bridge.destinations.slack.bot import SlackBot
from bridge.domain.destinations import Callback, ResolvedDestination, SlackWebhook
from bridge.errors import SettingsError
from bridge.http import Trust
from bridge.http.trust import trust_with
from bridge.settings import Settings


def named_addresses(settings: Settings) -> dict[str, ResolvedDestination]:
    """Return the addresses of NAMED_DESTINATIONS by name."""
    return {
        each.name: SlackWebhook(url=each.url) if each.slack else Callback(url=each.url)
        for each in settings.named_destinations
    }


def sender_of(settings: Settings) -> Sender:
    """Return the signing secrets and Slack credentials; check the private keys."""
    keys = settings.callback_ed25519_keys
    problems = [
        f"CALLBACK_ED25519_KEYS: key {number} {problem}"
        for number, key in enumerate(keys, start=1)
        if (problem := check_private_key(key.reveal()))
    ]
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
        raise SettingsError([f"EGRESS_ALLOW: {error}"]) from error
    sandbox = diversion(settings)
    return rules if sandbox is None else rules.also_allowing(sandbox.host, sandbox.port)


def diversion(settings: Settings) -> Diversion | None:
    """Return the diversion to EGRESS_SANDBOX; None in production."""
    if settings.egress_sandbox is None:
        return None
    try:
        return Diversion.to(settings.egress_sandbox)
    except ValueError as error:
        raise SettingsError([f"EGRESS_SANDBOX: {error}"]) from error


def egress_trust(settings: Settings) -> Trust:
    """Return trust in the system's authorities and in those of EGRESS_CA_FILE."""
    try:
        return trust_with(settings.egress_ca_file)
    except ValueError as error:
        raise SettingsError([f"EGRESS_CA_FILE: {error}"]) from error

"""Checks of the services that the bridge calls: Rally, Slack, destinations, and the egress to them. Pure."""

from collections.abc import Sequence
from ipaddress import ip_address

from bridge.cli.doctor.certificates import GUIDE, remedy_for
from bridge.cli.doctor.findings import Finding, State, failed, not_checked, ok, warning
from bridge.destinations.egress.addresses import IPNetwork
from bridge.destinations.egress.rules import EgressRules
from bridge.destinations.send_test import TestOutcome
from bridge.destinations.slack import bot_verdicts
from bridge.domain.delivery.destination_requests import Failure, NoResponse, Response, SendResult
from bridge.domain.delivery.verdicts import Accepted, Rejected
from bridge.domain.imports import Absence, Absent, ImportAnswer, KeyRefused, OverLimit, Read, Unanswered, Unusable
from bridge.domain.times import SECOND, Moment

SCOPES = "x-oauth-scopes"
"""The response header of Slack with the scopes of a token: https://docs.slack.dev/authentication/installing-with-oauth"""
POSTS, FILES = "chat:write", ("files:write", "im:write")
"""The scopes for messages, and for files with failed records."""
METADATA = (ip_address("169.254.169.254"), ip_address("fd00:ec2::254"))


def check_rally(
    workspace: str, base_url: str, answer: ImportAnswer, *, key: str, url: str, any_key: bool = False
) -> Finding:
    """Check Rally's response to a GET of an import that can't exist; `key` and `url` are the settings used.

    With `any_key`, the response to a made-up key was the same.
    """
    check = f"Rally, {workspace}"
    match answer:
        case Absent(Absence.NOT_FOUND) if any_key:
            detail = f"{base_url} answers HTTP 404 to any key, so it may not be the address of Rally's API"
            return warning(check, detail, f"Check the path of {url}: otherwise every watch ends as not_found.")
        case Read() | Absent(Absence.NOT_FOUND):
            return ok(check, f"{base_url} accepts the key")
        case KeyRefused():
            return failed(check, f"{base_url} rejects the key (HTTP 401)", f"Set {key} to a valid key.")
        case Absent():
            detail = f"{base_url} knows the key, but may not permit it to read imports (HTTP 403)"
            return warning(check, detail, f"Check in Rally that {key} may read imports.")
        case OverLimit(wait=wait):
            when = "in a minute" if wait is None else f"in {-(-wait // SECOND)} s"
            detail = f"{base_url} is rate limited (HTTP 429), so the key was not checked"
            return warning(check, detail, f"Check again {when}, and find out what else uses this account's limit.")
        case Unusable(reason=reason) | Unanswered(reason=reason):
            see = f"Check {url}, and that this machine can reach it; if both are right, the fault is Rally's."
            return failed(check, f"{base_url}: {reason}", remedy_for(reason) or see)


def check_slack(
    api_url: str, answer: SendResult, now: Moment, *, team: str | None = None, sends_files: bool = False
) -> Finding:
    """Check Slack's response to `auth.test`; `team` is the Slack workspace of the configuration, if it names one.

    `sends_files`: people may ask for failed records as a file.
    """
    check = "Slack bot"
    if isinstance(answer, NoResponse):
        return failed(check, f"{api_url}: {answer.reason}", _remedy(answer, "SLACK_API_URL"))
    verdict = bot_verdicts.judge(answer, now)
    if isinstance(verdict, Accepted):
        return _check_accepted(api_url, answer, team=team, sends_files=sends_files)
    if isinstance(verdict, Rejected) or verdict.refused_token:
        return failed(
            check,
            f"{api_url}: {verdict.reason}",
            "Set SLACK_BOT_TOKEN to the token (xoxb-…) of an installed bot.",
        )
    return warning(
        check, f"{api_url}: {verdict.reason}", "Check again in a minute; if it persists, check SLACK_API_URL."
    )


def _check_accepted(api_url: str, answer: Response, *, team: str | None, sends_files: bool) -> Finding:
    """Check a token that Slack accepts: its scopes, and its workspace."""
    check = "Slack bot"
    lacking = _lacking(answer, sends_files=sends_files)
    detail = f"{api_url} accepts the token, which lacks the scope {' and '.join(lacking)}"
    remedy = f"Add the scope {' and '.join(lacking)} to the bot, and install it again."
    if POSTS in lacking:
        return failed(check, detail, remedy)
    if team is not None and bot_verdicts.document_of(answer).get("team_id") != team:
        elsewhere = f"{api_url} accepts the token, which is of another Slack workspace than {team}"
        return failed(
            check, elsewhere, "Correct `slack` of the client in bridge.toml, or set SLACK_BOT_TOKEN to its bot's."
        )
    if lacking:
        return warning(check, f"{detail}: failed records can't be sent as a file", remedy)
    return ok(check, f"{api_url} accepts the token")


def _lacking(answer: Response, *, sends_files: bool) -> list[str]:
    """Return the scopes that the token needs and lacks; none if Slack does not name its scopes."""
    if (named := answer.headers.get(SCOPES)) is None:
        return []
    scopes = {scope.strip() for scope in named.split(",")}
    return [scope for scope in (POSTS, *(FILES if sends_files else ())) if scope not in scopes]


def check_destination(
    name: str,
    address: str,
    refusal: NoResponse | None,
    setting: str,
    *,
    proxied: bool = False,
    sandboxed: bool = False,
) -> Finding:
    """Check whether anything would prevent a message to a destination of a setting; nothing was sent."""
    check = f"Destination {name}"
    if refusal is not None:
        return failed(check, f"{address}: {refusal.reason}", _remedy(refusal, setting))
    if sandboxed:
        return not_checked(
            check, f"{address}: its messages go to the sandbox (EGRESS_SANDBOX), so it was not looked for"
        )
    how = "its name resolves, and the egress rules permit it"
    if proxied:
        how = "the egress rules permit it; the proxy resolves its name"
    return ok(check, f"{address}: {how} (--send sends a test message)")


def answered_by_sandbox(finding: Finding) -> Finding:
    """Return what a good answer of the sandbox says of the host in whose place it came: nothing."""
    if finding.state is State.FAILED:
        return finding
    return not_checked(finding.check, f"{finding.detail}; but it was the sandbox (EGRESS_SANDBOX) that answered")


def check_test_message(name: str, address: str, trial: TestOutcome, client: str, setting: str) -> Finding:
    """Check the result of a test message."""
    check = f"Destination {name}"
    if isinstance(trial.verdict, Accepted):
        return ok(check, f"{address} accepted a test message for “{client}” in {trial.took} ms")
    again = "it would be retried" if not isinstance(trial.verdict, Rejected) else "it would not be retried"
    remedy = remedy_for(trial.verdict.reason) or f"Check its receiver, or correct {setting}."
    return failed(check, f"{address} refused a test message for “{client}”: {trial.verdict.reason}; {again}", remedy)


def _remedy(answer: NoResponse, setting: str) -> str:
    match answer.failure:
        case Failure.REFUSED_ADDRESS:
            return f"If it is intended, permit it in EGRESS_ALLOW; else correct {setting}."
        case Failure.DNS:
            return f"Correct the host of {setting}, or add it to this machine's name servers."
        case Failure.TLS if remedy := remedy_for(answer.reason):
            return remedy
        case Failure.TLS:
            return "Fix its certificate, or set EGRESS_CA_FILE to the authority that issued it."
        case _:
            return f"Check that it runs and that this machine can reach it, or correct {setting}."


def check_rules(rules: EgressRules) -> Finding:
    """Describe what the rules permit; warn if that includes everything or a metadata service."""
    beside = [
        *(_with_port(str(network), port) for network, port in rules.networks),
        *(_host(*each) for each in rules.hosts),
    ]
    everyone = "the sandbox" if rules.sandboxed else "the public internet, ports 80 and 443"
    detail = everyone + (f"; and {', '.join(beside)}" if beside else "")
    networks = [network for network, _ in rules.networks]
    if any(network.prefixlen == 0 for network in networks):
        return warning(
            "Egress",
            f"{detail}: that is every address",
            "List in EGRESS_ALLOW only the networks and hosts that are intended.",
        )
    if any(_is_metadata_service(network) for network in networks):
        detail += "; this includes the metadata service, which hands out this machine's credentials"
        return warning("Egress", detail, "Remove 169.254.169.254 and its like from EGRESS_ALLOW.")
    return ok("Egress", detail)


def _is_metadata_service(network: IPNetwork) -> bool:
    return any(address in network for address in METADATA)


def _host(name: str, port: int | None) -> str:
    return _with_port(f"all below {name[1:]}" if name.startswith(".") else name, port)


def _with_port(address: str, port: int | None) -> str:
    if port is not None:
        address = address.removesuffix("/32").removesuffix("/128")
    return f"{address} (any port)" if port is None else f"{address} port {port}"


def check_sandbox(address: str, diverted: Sequence[str]) -> Finding:
    """Describe the diversion to a sandbox; warn of the workspaces whose imports are not the sandbox's."""
    detail = f"all messages go to the inbox at {address}, whatever host they are addressed to"
    if not diverted:
        return ok("Sandbox", detail)
    real = f"but these workspaces are not the sandbox's: {', '.join(diverted)}"
    return warning("Sandbox", f"{detail}; {real}", "In production, remove EGRESS_SANDBOX.")


PROXIES = {
    "EGRESS_PROXY": ("Egress proxy", "all messages go through it, and it resolves names and applies rules"),
    "RALLY_PROXY": ("Rally proxy", "all polls go through it"),
}
"""For each proxy setting: the name of its check, and what depends on the proxy."""


def check_proxy(setting: str, address: str, *, reached: bool) -> Finding:
    check, use = PROXIES[setting]
    if reached:
        return ok(check, f"{address} can be reached; {use}")
    return failed(check, f"{address} can't be reached; {use}", f"Start it, or correct {setting}.")


def check_authorities(path: str, ends: Sequence[Moment], now: Moment, flaws: Sequence[str] = ()) -> Finding:
    """Check when the certificates of EGRESS_CA_FILE expire, and whether Python 3.13 refuses any."""
    expired = sum(end <= now for end in ends)
    detail = f"{path!r} adds {len(ends)} {'authority' if len(ends) == 1 else 'authorities'}"
    if expired:
        current = "Put current certificates into the file that EGRESS_CA_FILE names."
        return warning("Egress CA file", f"{detail}; expired: {expired}", current)
    if flaws:
        again = f"Python 3.13, as in the image, refuses them. Have the authority issue them again, see {GUIDE}."
        return warning("Egress CA file", f"{detail}; some have {', '.join(flaws)}", again)
    return ok("Egress CA file", detail)

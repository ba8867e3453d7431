"""Judgments of those whom we talk to - Rally, Slack, destinations - and of the ways there. Pure."""

from collections.abc import Sequence
from ipaddress import ip_address

from bridge.cli.doctor.findings import Finding, failed, ok, warning
from bridge.destinations import slack_bot
from bridge.destinations.addresses import IPNetwork
from bridge.destinations.rules import EgressRules
from bridge.destinations.send_test import TestOutcome
from bridge.domain.deliveries import Accepted, Failure, NoResponse, Rejected, SendResult
from bridge.domain.imports import Absence, Absent, ImportAnswer, KeyRefused, OverLimit, Read, Unanswered, Unusable
from bridge.domain.times import SECOND, Moment
from bridge.domain.workspaces import DEFAULT_WORKSPACE

SCOPES = "x-oauth-scopes"
"""Slack names a token's scopes in this header of its answers: https://docs.slack.dev/authentication/installing-with-oauth"""
METADATA = (ip_address("169.254.169.254"), ip_address("fd00:ec2::254"))


def of_rally(workspace: str, base_url: str, answer: ImportAnswer) -> Finding:
    """Judge what Rally answers to a question about an import that can't exist."""
    check = f"Rally, {workspace}"
    setting = "RALLY_API_KEY" if workspace == DEFAULT_WORKSPACE else "RALLY_WORKSPACES"
    match answer:
        case Read() | Absent(Absence.NOT_FOUND):
            return ok(check, f"{base_url} takes the key")
        case KeyRefused():
            return failed(check, f"{base_url} refuses the key (HTTP 401)", f"Put a key that is valid into {setting}.")
        case Absent():
            found = f"{base_url} knows the key, and perhaps does not let it read imports (HTTP 403)"
            return warning(check, found, f"Make sure in Rally that the key of {setting} may read imports.")
        case OverLimit(wait=wait):
            when = "in a minute" if wait is None else f"in {-(-wait // SECOND)} s"
            found = f"{base_url} is over its rate limit (HTTP 429), so that the key is not tried"
            return warning(check, found, f"Look again {when}, and see who else uses up this account's limit.")
        case Unusable(reason=reason) | Unanswered(reason=reason):
            where = "RALLY_BASE_URL" if workspace == DEFAULT_WORKSPACE else "RALLY_WORKSPACES or RALLY_BASE_URL"
            see = f"Check {where}, and that this machine may reach it; if both are right, Rally is at fault."
            return failed(check, f"{base_url}: {reason}", see)


def of_slack(api_url: str, answer: SendResult, now: Moment) -> Finding:
    """Judge Slack's answer to `auth.test`."""
    check = "Slack bot"
    if isinstance(answer, NoResponse):
        return failed(check, f"{api_url}: {answer.reason}", _way_on(answer.failure, "SLACK_API_URL"))
    verdict = slack_bot.judge(answer, now)
    if isinstance(verdict, Accepted):
        scopes = answer.headers.get(SCOPES)
        if scopes is not None and "chat:write" not in {scope.strip() for scope in scopes.split(",")}:
            found = f"{api_url} takes the token, which lacks the scope chat:write"
            return failed(check, found, "Give the bot the scope chat:write, and install it again.")
        return ok(check, f"{api_url} takes the token")
    if isinstance(verdict, Rejected):
        return failed(
            check,
            f"{api_url}: {verdict.reason}",
            "Put the token of a bot (xoxb-…) that is installed into SLACK_BOT_TOKEN.",
        )
    return warning(
        check, f"{api_url}: {verdict.reason}", "Look again in a minute; if it stays so, check SLACK_API_URL."
    )


def of_destination(name: str, place: str, refusal: NoResponse | None, *, proxied: bool) -> Finding:
    """Judge a destination by what would keep a message from it; nothing was sent."""
    check = f"Destination {name}"
    if refusal is not None:
        return failed(check, f"{place}: {refusal.reason}", _way_on(refusal.failure, "NAMED_DESTINATIONS"))
    how = (
        "the rules let it through; its name is the proxy's to resolve"
        if proxied
        else "its name resolves, and the rules let it through"
    )
    return ok(check, f"{place}: {how} (--send tries it)")


def of_trial(name: str, place: str, trial: TestOutcome, client: str) -> Finding:
    """Judge a destination by a test message."""
    check = f"Destination {name}"
    if isinstance(trial.verdict, Accepted):
        return ok(check, f"{place} took a test for “{client}” in {trial.took} ms")
    again = "it would be tried again" if not isinstance(trial.verdict, Rejected) else "it would not be tried again"
    remedy = "See to its receiver, or correct it in NAMED_DESTINATIONS."
    return failed(check, f"{place} did not take a test for “{client}”: {trial.verdict.reason}; {again}", remedy)


def _way_on(failure: Failure, setting: str) -> str:
    match failure:
        case Failure.REFUSED_ADDRESS:
            return f"If it is meant, let it through by EGRESS_ALLOW; else correct it in {setting}."
        case Failure.DNS:
            return f"Correct the host in {setting}, or have this machine's name servers know it."
        case Failure.TLS:
            return "Mend its certificate, or name the authority that it comes from by EGRESS_CA_FILE."
        case _:
            return f"See that it runs and that this machine may reach it, or correct it in {setting}."


def of_rules(rules: EgressRules) -> Finding:
    """Say in words what is let through, and warn of what nobody should reach."""
    beside = [
        *(_where(str(network), port) for network, port in rules.networks),
        *(_host(*each) for each in rules.hosts),
    ]
    found = "the public internet, ports 80 and 443" + (f"; and {', '.join(beside)}" if beside else "")
    networks = [network for network, _ in rules.networks]
    if any(network.prefixlen == 0 for network in networks):
        return warning(
            "Egress", f"{found}: that is everything", "Name in EGRESS_ALLOW only the networks and hosts that are meant."
        )
    if any(_hands_out_credentials(network) for network in networks):
        found += ": with them the metadata service, which hands out this machine's credentials"
        return warning("Egress", found, "Leave 169.254.169.254 and its like out of EGRESS_ALLOW.")
    return ok("Egress", found)


def _hands_out_credentials(network: IPNetwork) -> bool:
    return any(address in network for address in METADATA)


def _host(name: str, port: int | None) -> str:
    return _where(f"all beneath {name[1:]}" if name.startswith(".") else name, port)


def _where(place: str, port: int | None) -> str:
    if port is not None:
        place = place.removesuffix("/32").removesuffix("/128")
    return f"{place} (any port)" if port is None else f"{place} port {port}"


def of_proxy(place: str, *, reached: bool) -> Finding:
    if reached:
        return ok("Egress proxy", f"{place} can be reached; all messages go through it, and it decides")
    return failed(
        "Egress proxy", f"{place} can't be reached; all messages go through it", "Start it, or correct EGRESS_PROXY."
    )


def of_authorities(path: str, ends: Sequence[Moment], now: Moment) -> Finding:
    """Judge the file of authorities by when its certificates run out."""
    over = sum(end <= now for end in ends)
    found = f"{path!r} adds {len(ends)} {'authority' if len(ends) == 1 else 'authorities'}"
    if over:
        current = "Put current certificates into the file that EGRESS_CA_FILE names."
        return warning("Egress CA file", f"{found}; out of date: {over}", current)
    return ok("Egress CA file", found)

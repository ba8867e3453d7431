"""The probes: each collects facts within a time limit and passes them to a check."""

import asyncio
import ssl
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from bridge.cli.doctor import checks_external, checks_redis
from bridge.cli.doctor.certificates import flaws_of, remedy_for
from bridge.cli.doctor.checks_messages import check_messages
from bridge.cli.doctor.checks_pushes import PushSettings, check_pushes
from bridge.cli.doctor.configured_destinations import ConfiguredDestination, configured_destinations
from bridge.cli.doctor.findings import Finding, failed, ok
from bridge.cli.doctor.rally_probe import RallyProbe, probe_rally
from bridge.cli.doctor.redis_probe import PATIENCE, RedisProbe, local_now, probe_redis, redis_address
from bridge.destinations.configuration import diverted_workspaces
from bridge.destinations.descriptions import describe, redacted_url
from bridge.destinations.egress.rules import check_callback, check_url
from bridge.destinations.egress.urls import DEFAULT_PORTS
from bridge.destinations.send_test import send_test
from bridge.destinations.slack import bot as slack_bot
from bridge.domain.delivery.destination_requests import Failure, NoResponse
from bridge.domain.destinations import Callback, ResolvedDestination, SlackChannel, SlackWebhook
from bridge.domain.imports import Reply
from bridge.domain.secret import Secret
from bridge.domain.times import SECOND, Moment
from bridge.domain.workspaces import DEFAULT_WORKSPACE
from bridge.resources import Resources, open_resources
from bridge.settings import Settings
from bridge.store.pushes.push_health import PushHealth

CORRECT = "Correct {}: its user, its password, or the authority that TLS trusts; or correct what Redis permits."


async def examine(settings: Settings, *, send: bool, start: str) -> list[Finding]:
    """Run all probes; if one fails, the others still run. `start` is the remedy if Redis is unreachable."""
    async with open_resources(settings) as resources:
        redis, rally, slack, *proxies = await asyncio.gather(
            probe_redis(resources),
            probe_rally(resources),
            _guarded("Slack bot", _probe_slack(resources)),
            _guarded("Egress proxy", _probe_proxy("EGRESS_PROXY", settings.egress_proxy)),
            _guarded("Rally proxy", _probe_proxy("RALLY_PROXY", settings.rally_proxy)),
        )
        now = local_now() - (redis.clock_ahead or 0)
        destinations = await asyncio.gather(
            *(
                _guarded(f"Destination {each.name}", _probe_destination(resources, each, now if send else None))
                for each in configured_destinations(resources)
            )
        )
    return [
        ok("Settings", f"all are valid; {_count(len(settings.clients), 'client key')}"),
        *_redis_findings(settings, redis, start),
        *_clock_findings(redis, (probe.reply for probe in rally.values())),
        *(_rally_finding(settings, name, probe) for name, probe in rally.items()),
        *(_push_finding(settings, name, health, now) for name, health in redis.pushes.items()),
        *slack,
        checks_external.check_rules(resources.egress_rules),
        *(finding for proxy in proxies for finding in proxy),
        *_sandbox(settings),
        *_authorities(settings, now),
        *(finding for findings in destinations for finding in findings),
        *(
            []
            if resources.named
            else [ok("Named destinations", "none configured ([destinations.NAME] in bridge.toml)")]
        ),
    ]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


async def _guarded(check: str, probe: Awaitable[Sequence[Finding]]) -> Sequence[Finding]:
    """Return a finding for a check that raises, so that it does not hide the others."""
    try:
        return await probe
    except Exception as error:  # noqa: BLE001 - whatever it was, the others are reported
        return [failed(check, f"the check broke ({type(error).__name__})", "Please report it.")]


def _redis_findings(settings: Settings, redis: RedisProbe, start: str) -> Iterator[Finding]:
    url = redis_address(settings.redis_url.reveal())
    if redis.report is None:
        otherwise = CORRECT.format(settings.named("REDIS_URL")) if redis.refused else start
        yield checks_redis.unreachable(url, redis.error, remedy_for(redis.error) or otherwise)
        return
    yield from checks_redis.check_report(url, redis.report)
    if redis.fleet is not None:
        yield checks_redis.check_workers(redis.fleet, writes_refused=redis.report.writes_refused is not None)
        yield checks_redis.check_notices(redis.notices_failed, settings.operator_notify)
    if redis.messages is not None:
        yield check_messages(*redis.messages)


def _rally_finding(settings: Settings, name: str, probe: RallyProbe) -> Finding:
    return checks_external.check_rally(
        name,
        settings.workspaces[name].base_url,
        probe.reply.answer,
        key=settings.named(settings.workspace_key(name, "key")),
        url=settings.named(settings.workspace_key(name, "base_url")),
        any_key=probe.any_key,
    )


def _push_finding(settings: Settings, name: str, health: PushHealth, now: Moment) -> Finding:
    configured = PushSettings(
        workspace=name,
        secrets=len(settings.workspaces[name].webhook_secrets),
        setting="RALLY_WEBHOOK_SECRETS" if name == DEFAULT_WORKSPACE else f"workspaces.{name}.webhook_secrets",
        rules=sum(rule.covers(name) for rule in settings.rules),
        sandboxed=settings.rally_sandbox is not None,
    )
    return check_pushes(configured, health, now)


def _clock_findings(redis: RedisProbe, replies: Iterable[Reply]) -> Iterator[Finding]:
    if redis.clock_ahead is not None:
        yield checks_redis.check_local_clock(redis.clock_ahead)
    dated = next(((reply.at, reply.sent_at) for reply in replies if reply.sent_at is not None), None)
    if dated is not None:
        at, theirs = dated
        # A Date is truncated to the second, so on average half a second behind.
        ahead = at - (redis.clock_ahead or 0) - theirs - SECOND // 2
        yield checks_redis.check_external_clock(ahead, "this machine" if redis.clock_ahead is None else "Redis")


async def _probe_slack(resources: Resources) -> Sequence[Finding]:
    bot = resources.sender.slack_bot
    if bot is None:
        return [ok("Slack bot", "none configured (SLACK_BOT_TOKEN)")]
    answer = await resources.egress.send(slack_bot.prepare_check(bot))
    client = resources.settings.slack_client
    sandboxed = resources.settings.egress_sandbox is not None
    team = None if client is None or client.slack is None or sandboxed else client.slack.team
    finding = checks_external.check_slack(
        bot.api_url, answer, local_now(), team=team, sends_files=bool(resources.settings.records_users)
    )
    return [checks_external.answered_by_sandbox(finding) if sandboxed else finding]


async def _probe_destination(
    resources: Resources, configured: ConfiguredDestination, now: Moment | None
) -> Sequence[Finding]:
    """Check whether a destination may be reached; with `now`, also send it a test message."""
    settings, name, setting = resources.settings, configured.name, configured.setting
    url = describe(configured.resolved)
    refusal = await _refusal(resources, configured.resolved)
    proxied, sandboxed = settings.egress_proxy is not None, settings.egress_sandbox is not None
    if refusal is not None or now is None:
        return [checks_external.check_destination(name, url, refusal, setting, proxied=proxied, sandboxed=sandboxed)]
    trial = await send_test(
        configured.destination,
        client=configured.client,
        now=now,
        named=resources.named,
        sender=resources.sender,
        egress=resources.egress,
    )
    finding = checks_external.check_test_message(name, url, trial, configured.client, setting)
    return [checks_external.answered_by_sandbox(finding) if sandboxed else finding]


async def _refusal(resources: Resources, resolved: ResolvedDestination) -> NoResponse | None:
    match resolved:
        case SlackChannel():
            return None
        case SlackWebhook(url=url) | Callback(url=url):
            rules = resources.egress_rules
            slack = isinstance(resolved, SlackWebhook)
            if wrong := check_url(url.reveal(), rules, slack=True) if slack else check_callback(url.reveal(), rules):
                return NoResponse(failure=Failure.REFUSED_ADDRESS, reason=wrong.detail)
            return await resources.egress.refusal(url)


async def _probe_proxy(setting: str, proxy: Secret | None) -> Sequence[Finding]:
    if proxy is None:
        return []
    url = urlsplit(proxy.reveal())
    reached = False
    with suppress(OSError):  # TimeoutError is one
        async with asyncio.timeout(PATIENCE):
            _, connection = await asyncio.open_connection(url.hostname, url.port or DEFAULT_PORTS[url.scheme])
            connection.close()
            reached = True
    return [checks_external.check_proxy(setting, redacted_url(proxy.reveal()).removesuffix("/…"), reached=reached)]


def _sandbox(settings: Settings) -> Iterator[Finding]:
    if settings.egress_sandbox is not None:
        yield checks_external.check_sandbox(settings.egress_sandbox, diverted_workspaces(settings))


def _authorities(settings: Settings, now: Moment) -> Iterator[Finding]:
    if settings.egress_ca_file is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=settings.egress_ca_file)  # valid, as the resources were built with it
    ends = [ssl.cert_time_to_seconds(str(each["notAfter"])) * SECOND for each in context.get_ca_certs()]
    flaws = flaws_of(Path(settings.egress_ca_file).read_bytes())
    yield checks_external.check_authorities(settings.egress_ca_file, ends, now, flaws)

"""The probes: each asks one question, within a bound of time, and gives what it saw to a judgment."""

import asyncio
import ssl
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from bridge.cli.doctor import checks_external, checks_redis
from bridge.cli.doctor.findings import Finding, failed, ok
from bridge.cli.doctor.redis_probe import PATIENCE, RedisLook, local_now, look_at_redis, place_of
from bridge.destinations import describe, slack_bot
from bridge.destinations.rules import DEFAULT_PORTS, check_callback, check_url, redacted_url
from bridge.destinations.send_test import send_test
from bridge.domain.deliveries import (
    Callback,
    Failure,
    NamedDestination,
    NoResponse,
    ResolvedDestination,
    SlackChannel,
    SlackWebhook,
)
from bridge.domain.imports import Reply
from bridge.domain.notices import OPERATOR
from bridge.domain.times import SECOND, Moment
from bridge.ids import new_id
from bridge.rally.responses import unanswered
from bridge.resources import Resources, open_resources
from bridge.settings import Settings

CORRECT = "Correct REDIS_URL (its user, its password, the authority that TLS trusts), or what Redis permits."


async def examine(settings: Settings, *, send: bool, start: str) -> list[Finding]:
    """Look at everything; what fails hides nothing else. `start`: what to do when Redis is away."""
    async with open_resources(settings) as resources:
        redis, replies, slack, proxy = await asyncio.gather(
            look_at_redis(resources),
            _ask_rally(resources),
            _told("Slack bot", _slack(resources)),
            _told("Egress proxy", _proxy(settings)),
        )
        now = local_now() - (redis.ahead or 0)
        destinations = await asyncio.gather(
            *(
                _told(f"Destination {name}", _destination(resources, name, now if send else None))
                for name in resources.named
            )
        )
    return [
        ok("Settings", f"every variable makes sense; {_count(len(settings.clients), 'client key')}"),
        *_of_redis(settings, redis, start),
        *_of_clocks(redis, replies.values()),
        *(checks_external.of_rally(name, _base_url(settings, name), reply.answer) for name, reply in replies.items()),
        *slack,
        checks_external.of_rules(resources.egress_rules),
        *proxy,
        *_authorities(settings, now),
        *(finding for findings in destinations for finding in findings),
        *([] if resources.named else [ok("Named destinations", "none configured (NAMED_DESTINATIONS)")]),
    ]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


async def _told(check: str, looking: Awaitable[Sequence[Finding]]) -> Sequence[Finding]:
    """Have a check that breaks be a finding too: it must not hide what the others found."""
    try:
        return await looking
    except Exception as error:  # noqa: BLE001 - whatever it was, the rest is to be told
        return [failed(check, f"the check broke ({type(error).__name__})", "Please report it.")]


def _of_redis(settings: Settings, redis: RedisLook, start: str) -> Iterator[Finding]:
    place = place_of(settings.redis_url.reveal())
    if redis.seen is None:
        yield checks_redis.unreachable(place, redis.why, CORRECT if redis.refused else start)
        return
    yield from checks_redis.of_redis(place, redis.seen)
    yield checks_redis.of_workers(seen=redis.workers)


async def _ask_rally(resources: Resources) -> Mapping[str, Reply]:
    """Ask every workspace about an import that can't exist: one call each, which changes nothing."""

    async def ask(workspace: str) -> Reply:
        import_id = new_id("doctor-")
        try:
            async with asyncio.timeout(PATIENCE):
                reply = await resources.rally[workspace].get_import(import_id, at=local_now)
        except TimeoutError:
            return unanswered(f"no answer within {PATIENCE:g} s", import_id, local_now())
        except Exception as error:  # noqa: BLE001 - as above
            return unanswered(f"the check broke ({type(error).__name__})", import_id, local_now())
        assert reply is not None  # noqa: S101 - that is for who names a moment by which it must start
        return reply

    replies = await asyncio.gather(*(ask(workspace) for workspace in resources.rally))
    return dict(zip(resources.rally, replies, strict=True))


def _base_url(settings: Settings, name: str) -> str:
    others = {each.name: each.base_url for each in settings.rally_workspaces}
    return others.get(name) or settings.rally_base_url


def _of_clocks(redis: RedisLook, replies: Iterable[Reply]) -> Iterator[Finding]:
    if redis.ahead is not None:
        yield checks_redis.of_our_clock(redis.ahead)
    dated = next(((reply.at, reply.sent_at) for reply in replies if reply.sent_at is not None), None)
    if dated is not None:
        at, theirs = dated
        # A Date is cut to its second: on average it is half of one behind.
        ahead = at - (redis.ahead or 0) - theirs - SECOND // 2
        yield checks_redis.of_the_clock_outside(ahead, "this machine" if redis.ahead is None else "Redis")


async def _slack(resources: Resources) -> Sequence[Finding]:
    bot = resources.sender.slack_bot
    if bot is None:
        return [ok("Slack bot", "none configured (SLACK_BOT_TOKEN)")]
    answer = await resources.egress.send(slack_bot.prepare_check(bot))
    return [checks_external.of_slack(bot.api_url, answer, local_now())]


async def _destination(resources: Resources, name: str, now: Moment | None) -> Sequence[Finding]:
    """Look whether a named destination may be reached; and, given a `now`, send it a test."""
    address = resources.named[name]
    place = describe(address)
    refusal = await _refusal(resources, address)
    if refusal is not None or now is None:
        proxied = resources.settings.egress_proxy is not None
        return [checks_external.of_destination(name, place, refusal, proxied=proxied)]
    client = _client_for(resources.settings, name)
    trial = await send_test(
        NamedDestination(name=name),
        client=client,
        now=now,
        named=resources.named,
        sender=resources.sender,
        egress=resources.egress,
    )
    return [checks_external.of_trial(name, place, trial, client)]


async def _refusal(resources: Resources, address: ResolvedDestination) -> NoResponse | None:
    match address:
        case SlackChannel():
            return None
        case SlackWebhook(url=url) | Callback(url=url):
            rules = resources.egress_rules
            slack = isinstance(address, SlackWebhook)
            if wrong := check_url(url.reveal(), rules, slack=True) if slack else check_callback(url.reveal(), rules):
                return NoResponse(failure=Failure.REFUSED_ADDRESS, reason=wrong.detail)
            return await resources.egress.refusal(url)


def _client_for(settings: Settings, name: str) -> str:
    """Choose in whose name a test is signed: a client's whose messages may go there, as each has secrets of its own."""
    if name == settings.operator_notify:
        return OPERATOR
    may_use = (
        each.name for each in settings.clients if each.permissions.named is None or name in each.permissions.named
    )
    return next(may_use, OPERATOR)


async def _proxy(settings: Settings) -> Sequence[Finding]:
    if settings.egress_proxy is None:
        return []
    url = urlsplit(settings.egress_proxy.reveal())
    reached = False
    with suppress(OSError):  # TimeoutError is one
        async with asyncio.timeout(PATIENCE):
            _, connection = await asyncio.open_connection(url.hostname, url.port or DEFAULT_PORTS[url.scheme])
            connection.close()
            reached = True
    return [checks_external.of_proxy(redacted_url(settings.egress_proxy.reveal()).removesuffix("/…"), reached=reached)]


def _authorities(settings: Settings, now: Moment) -> Iterator[Finding]:
    if settings.egress_ca_file is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=settings.egress_ca_file)  # it can be: the resources were built with it
    ends = [ssl.cert_time_to_seconds(str(each["notAfter"])) * SECOND for each in context.get_ca_certs()]
    yield checks_external.of_authorities(settings.egress_ca_file, ends, now)

"""Checks of Rally's pushes, from what the bridge has recorded of them. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.cli.doctor.findings import Finding, ok, warning
from bridge.domain.durations import duration_text
from bridge.domain.rules.push_proof import stretch_of
from bridge.domain.times import DAY, HOUR, MINUTE, SECOND, Moment, Span
from bridge.store.pushes.push_health import PushHealth

GUIDE = "the guide push.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSettings:
    """What is configured about the pushes of a workspace."""

    workspace: str
    secrets: int
    setting: str
    """The setting of the secrets."""
    rules: int
    """The number of rules that cover the workspace."""
    sandboxed: bool

    @property
    def url(self) -> str:
        """The URL to give to Rally; only the operator knows under which host the bridge can be reached."""
        return f"https://YOUR-HOST/v1/push/rally/{self.workspace}"


def check_pushes(settings: PushSettings, health: PushHealth, now: Moment) -> Finding:
    """Check whether Rally's pushes to a workspace arrive, and what they have proven."""
    check = f"Push, {settings.workspace}"
    if not settings.secrets:
        return _without_secret(check, settings)
    secrets = f"{settings.secrets} secret{'s are' if settings.secrets > 1 else ' is'} set"
    if not health.counts.last:
        return _without_pushes(check, settings, secrets)
    where = secrets if settings.sandboxed else f"{secrets} for {settings.url}"
    detail = "; ".join([where, _last(health, now), *_proven(health, now)])
    silent = sorted(type_ for type_, proof in health.proofs.items() if proof.silent)
    if silent:
        remedy = "In Rally, enable the endpoint and recover its failed messages"
        return warning(check, f"{detail}; {', '.join(silent)} imports are no longer pushed", f"{remedy}, see {GUIDE}.")
    return ok(check, detail)


def _without_secret(check: str, settings: PushSettings) -> Finding:
    detail = f"not received, as {settings.setting} is not set; imports are found by polling alone"
    if not settings.rules:
        return ok(check, detail)
    rules = f"{settings.rules} rule{'s cover' if settings.rules > 1 else ' covers'} the workspace and will tell nothing"
    remedy = f"Set {settings.setting} to the signing secret of an endpoint {settings.url} in Rally, see {GUIDE}."
    return warning(check, f"{detail}; {rules}", remedy)


def _without_pushes(check: str, settings: PushSettings, secrets: str) -> Finding:
    detail = f"{secrets}, but no push has arrived yet"
    if settings.sandboxed:
        return ok(check, detail)
    remedy = f"In Rally, add the endpoint {settings.url}, or look at the answers that it shows for it, see {GUIDE}."
    return warning(check, detail, remedy)


def _last(health: PushHealth, now: Moment) -> str:
    times = sorted(health.counts.last.items())
    return f"last pushes: {', '.join(f'{event} {_ago(now - at)} ago' for event, at in times)}"


def _proven(health: PushHealth, now: Moment) -> Iterator[str]:
    for type_, proof in sorted(health.proofs.items()):
        factor = stretch_of(proof, now).factor
        polled = "polled as without pushes" if factor == 1 else f"polled {factor} times less often"
        yield f"{type_} ends: {proof.matches:,} with a push, {proof.misses:,} without, {polled}"


def _ago(span: Span) -> str:
    """Write a span, without what is small beside it."""
    unit = next((unit for least, unit in ((DAY, HOUR), (HOUR, MINUTE)) if span >= least), SECOND)
    return duration_text(max(SECOND, span // unit * unit))

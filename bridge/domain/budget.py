"""A workspace's budget: how many polls may start now, and what each reply teaches of it.

The budget is a lower bound of what the vendor still allows. Within a window it only falls: by one with each
reservation, and to what a reply leaves after every request still in flight. When a window ends its bound lapses, and
one probe, alone, asks what the next one allows. So the fleet stays within the limit without knowing how the vendor
counts, when its windows begin, or who else spends from them. While probes are answered without headers (a 404 has
none), they keep the pace of the last window that was known.
"""

from dataclasses import dataclass, replace

from bridge.domain.times import HOUR, SECOND, Moment, Span

LONGEST_PAUSE: Span = HOUR
"""Nothing that a vendor's header says stops polling for longer."""
COARSENESS: Span = SECOND
"""The vendor names whole seconds, so that a window may go on for so long after the end that it told."""
BURST_SHARE = 8
"""At most one eighth of what is left may start in one burst; the rest is spread over the window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a workspace's rate limit still allows; the whole fleet shares one record of it.

    `version` rises with every write, so that two writers notice each other. `limit`, `available` and `spent` belong to
    the window that ends at `ends_at`, `window` is how long windows are; `not_before` holds after a 429, a 401 or too
    many faults; `probing_until` while a probe is out. `faults` counts the faults of the line since `down_since` without
    an answer in between, and `at_fault` names the imports that met them, as many as the breaker needs.
    `vanished` names imports that had been read and are absent now, with none read in between; when there are enough the
    workspace is paused `vanished_since`, with a probe at `vanished_until`, until `sighted_at` an import is read again.
    """

    version: int = 0
    limit: int | None = None
    available: int = 0
    spent: int = 0
    ends_at: Moment = 0
    window: Span = 0
    paced_until: Moment = 0
    not_before: Moment = 0
    probing_until: Moment = 0
    refused_since: Moment | None = None
    faults: int = 0
    down_since: Moment | None = None
    at_fault: tuple[str, ...] = ()
    broken_since: Moment | None = None
    vanished: tuple[str, ...] = ()
    vanished_since: Moment | None = None
    vanished_until: Moment = 0
    vanished_told_at: Moment | None = None
    sighted_at: Moment = 0

    @property
    def paused_until(self) -> Moment:
        return max(self.not_before, self.vanished_until)

    @property
    def broken(self) -> bool:
        """Tell whether the breaker is open: the line to Rally is at fault, and only probes are sent."""
        return self.broken_since is not None

    @property
    def probes_only(self) -> bool:
        """Return whether the workspace is paused as a whole, so that one probe at a time asks whether that is over."""
        return self.broken or self.refused_since is not None or self.vanished_since is not None

    def window_open(self, now: Moment) -> bool:
        return self.limit is not None and now < self.ends_at

    def allowed(self, share: float) -> int:
        """Give how many polls of a window are ours."""
        return max(1, int((self.limit or 0) * share))


MOMENTS = (
    *("ends_at", "paced_until", "not_before", "probing_until", "refused_since", "down_since", "broken_since"),
    *("vanished_since", "vanished_until", "vanished_told_at", "sighted_at"),
)
"""The fields of a budget that are moments."""


def set_back(budget: Budget, span: Span) -> Budget:
    """Return the budget with all its moments earlier by a span, as Redis' clock has been set back by that much."""
    moments = {name: getattr(budget, name) for name in MOMENTS}
    return replace(budget, **{name: max(0, moment - span) for name, moment in moments.items() if moment})


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """How many polls may start now; with none, when to look again.

    Each poll claimed moves the pace from `paced_from` by `step` (ms). No request of it starts after `ends_at`.
    """

    count: int
    again_at: Moment
    paced_from: Moment = 0
    step: Span = 0
    probe: bool = False
    ends_at: Moment | None = None


def grant(budget: Budget, now: Moment, *, in_flight: int, share: float) -> Grant:
    """Say how many polls may start at `now`, with `in_flight` not answered yet and `share` of the limit for us."""
    if now < budget.paused_until:
        return Grant(count=0, again_at=budget.paused_until)
    if budget.limit is None:
        return _lone_call(budget, now, in_flight=in_flight)
    if not budget.window_open(now):
        return _probe(budget, now, share=share)
    left = min(budget.available, budget.allowed(share) - budget.spent)
    if left <= 0:
        return Grant(count=0, again_at=budget.ends_at)
    step = (budget.ends_at - now) // left
    burst = max(1, left // BURST_SHARE)
    paced_from = max(budget.paced_until, now - (burst - 1) * step)
    if paced_from > now:
        return Grant(count=0, again_at=paced_from)
    count = left if step == 0 else min(left, (now - paced_from) // step + 1)
    return Grant(
        count=count, again_at=paced_from + count * step, paced_from=paced_from, step=step, ends_at=budget.ends_at
    )


def _lone_call(budget: Budget, now: Moment, *, in_flight: int) -> Grant:
    if now < budget.probing_until:
        return _behind_a_probe(budget, now)
    if in_flight:
        return Grant(count=0, again_at=now + SECOND)
    return Grant(count=1, again_at=now + SECOND, probe=True)


def _probe(budget: Budget, now: Moment, *, share: float) -> Grant:
    surely_over = budget.ends_at if budget.available > 0 else budget.ends_at + COARSENESS
    if (not_before := max(budget.paced_until, surely_over)) > now:
        return Grant(count=0, again_at=not_before)
    if budget.probing_until > now:
        return _behind_a_probe(budget, now)
    step = (budget.window + COARSENESS) // budget.allowed(share) + 1
    return Grant(count=1, again_at=now + step, paced_from=now, step=step, probe=True)


def _behind_a_probe(budget: Budget, now: Moment) -> Grant:
    """Return when to look again while a probe is out, whose answer another worker may get at any time."""
    return Grant(count=0, again_at=min(budget.probing_until, now + SECOND))

"""A workspace's rate-limit budget: how many polls may start now.

The budget is a lower bound of what the vendor still allows. Within a window it only decreases: by one for each
claimed poll, and to the remaining count of a reply minus all requests in flight. When a window ends, the bound is
void, and a single probe finds out what the next window allows. The fleet therefore stays within the limit without
knowing how the vendor counts, when its windows begin, or what other programs use. While replies to probes have no
rate-limit headers (404s have none), probes are sent at the pace of the last known window.
"""

from dataclasses import dataclass, replace

from bridge.domain.times import HOUR, SECOND, Moment, Span

LONGEST_RALLY_PAUSE: Span = HOUR
"""The longest pause that any header of the vendor can cause."""
COARSENESS: Span = SECOND
"""The precision of reset times, which are whole seconds: a window may end this much later than announced."""
RULES_SHARE = 4
"""The divisor for imports that only rules watch: at most a quarter of a window's polls is for them."""
BURST_SHARE = 8
"""The divisor for bursts: at most one eighth of the remaining polls start at once; the others are spread out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a workspace's rate limit still allows: one record, shared by all workers."""

    version: int = 0
    """The version of the record, which increases with every write; for optimistic locking."""
    limit: int | None = None
    """The number of calls in a window; None until a reply has named it."""
    available: int = 0
    """The calls that are left in the window, at least."""
    spent: int = 0
    """The polls that were claimed in the window."""
    spent_by_rules: int = 0
    """The polls until `rules_until` that were for imports that only rules watch."""
    rules_until: Moment = 0
    """The end of the time for which `spent_by_rules` counts: of the window, also if it was closed meanwhile."""
    ends_at: Moment = 0
    """The end of the window; 0 closes it, so that a probe is sent."""
    window: Span = 0
    """The length of a window."""
    paced_until: Moment = 0
    """The next poll starts at this moment, if polls are spread over the window."""
    not_before: Moment = 0
    """The end of the pause after a 429, a 401 or several connection faults."""
    over_limit_since: Moment | None = None
    """When Rally first answered 429, if no import was read since."""
    probing_until: Moment = 0
    """The end of the lease of the probe in flight."""
    key_refused_since: Moment | None = None
    """When Rally first refused the API key, if it still does."""
    faults: int = 0
    """The number of connection faults since the last answer."""
    failing_since: Moment | None = None
    """The first connection fault since the last answer."""
    failing_imports: tuple[str, ...] = ()
    """The imports with connection faults since the last answer, up to the number that opens the breaker."""
    breaker_open_since: Moment | None = None
    vanished_imports: tuple[str, ...] = ()
    """Imports that were read before and are absent now, with no reading of any import in between."""
    vanished_since: Moment | None = None
    """When the workspace was paused because of vanished imports, if it still is."""
    vanished_probe_at: Moment = 0
    """The time of the next probe during a pause because of vanished imports."""
    vanished_reported_at: Moment | None = None
    """When the operator was last notified of that pause."""
    reappeared_at: Moment = 0
    """When an import was read again after a pause because of vanished imports. Earlier absences do not count."""

    @property
    def paused_until(self) -> Moment:
        return max(self.not_before, self.vanished_probe_at)

    @property
    def breaker_open(self) -> bool:
        """Whether the circuit breaker is open: connections to Rally fail, and only probes are sent."""
        return self.breaker_open_since is not None

    @property
    def probes_only(self) -> bool:
        """Whether the whole workspace is paused, so that only one probe at a time is sent."""
        return self.breaker_open or self.key_refused_since is not None or self.vanished_since is not None

    def window_open(self, now: Moment) -> bool:
        return self.limit is not None and now < self.ends_at

    def allowed(self, share: float) -> int:
        """Return how many polls of a window we may use."""
        return max(1, int((self.limit or 0) * share))

    def rules_spent(self, now: Moment) -> int:
        """Return how many polls imports that only rules watch have used of the present window."""
        return self.spent_by_rules if now < self.rules_until else 0

    def left_for_rules(self, now: Moment, share: float) -> int:
        """Return how many polls of the window are left for imports that only rules watch."""
        return max(0, max(1, self.allowed(share) // RULES_SHARE) - self.rules_spent(now))


MOMENTS = (
    *("ends_at", "paced_until", "not_before", "probing_until", "key_refused_since"),
    *("failing_since", "breaker_open_since", "rules_until", "over_limit_since"),
    *("vanished_since", "vanished_probe_at", "vanished_reported_at", "reappeared_at"),
)
"""The fields of a budget that hold moments."""


def set_back(budget: Budget, span: Span) -> Budget:
    """Return the budget with all moments moved back by a span, after Redis' clock was set back by it."""
    moments = {name: getattr(budget, name) for name in MOMENTS}
    return replace(budget, **{name: max(0, moment - span) for name, moment in moments.items() if moment})


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """How many polls may start now; if none, when to try again.

    Each claimed poll advances the pace, which begins at `paced_from`, by `step` (ms). No poll starts after `ends_at`.
    """

    count: int
    again_at: Moment
    paced_from: Moment = 0
    step: Span = 0
    probe: bool = False
    ends_at: Moment | None = None
    rules_left: int = 1
    """How many of the polls may be for imports that only rules watch."""
    rules_again_at: Moment = 0
    """If none, when some may be again."""


def grant(budget: Budget, now: Moment, *, in_flight: int, share: float) -> Grant:
    """Return how many polls may start at `now`, given the number of unanswered polls and our share of the limit."""
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
        count=count,
        again_at=paced_from + count * step,
        paced_from=paced_from,
        step=step,
        ends_at=budget.ends_at,
        rules_left=budget.left_for_rules(now, share),
        rules_again_at=budget.rules_until,
    )


def places_for_rules(budget: Budget, granted: Grant, now: Moment, count: int) -> tuple[int, int]:
    """Return the least and the greatest number of `count` polls for imports that only rules watch.

    They come before other imports in every fourth poll of a window, and get the polls that no other import needs.
    """
    most = min(count, granted.rules_left)
    least = (budget.spent + count) // RULES_SHARE - budget.rules_spent(now)
    return max(0, min(least, most)), most


def rules_window(budget: Budget, now: Moment) -> tuple[int, Moment]:
    """Return how many polls rules have used of the present window, and until when that counts.

    A count that began while no window was open counts until the window ends that has opened since.
    """
    ends_at = budget.ends_at if budget.window_open(now) else 0
    if now < budget.rules_until:
        return budget.spent_by_rules, max(budget.rules_until, ends_at)
    return 0, ends_at or now + (budget.window or SECOND)


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
    return Grant(
        count=1,
        again_at=now + step,
        paced_from=now,
        step=step,
        probe=True,
        rules_left=budget.left_for_rules(now, share),
        rules_again_at=budget.rules_until,
    )


def _behind_a_probe(budget: Budget, now: Moment) -> Grant:
    """Return when to try again while a probe is in flight; another worker may receive its answer at any time."""
    return Grant(count=0, again_at=min(budget.probing_until, now + SECOND))

"""The budget: no more polls than Rally allows, whatever its headers say."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.imports import (
    Absence,
    Absent,
    ImportAnswer,
    KeyRefused,
    OverLimit,
    Read,
    Reading,
    Reply,
    Unanswered,
)
from bridge.domain.polling.allowance import Allowance
from bridge.domain.polling.budget import LONGEST_RALLY_PAUSE, Budget, Grant, grant, places_for_rules, rules_window
from bridge.domain.polling.budget_updates import after_replies
from bridge.domain.times import MINUTE, SECOND, Moment
from tests.support.samples import NOW

WINDOW = 10 * SECOND
READ = Read(Reading(import_id="imp", type="CSV", status="UPLOADING", person_count=1))


def reply(answer: ImportAnswer = READ, *, limit: int = 100, remaining: int = 99, resets_in: int = MINUTE) -> Reply:
    allowance = Allowance(limit=limit, remaining=remaining, resets_in=resets_in)
    return Reply(import_id="imp", answer=answer, allowance=allowance, at=NOW)


def bare(answer: ImportAnswer = READ) -> Reply:
    return Reply(import_id="imp", answer=answer, allowance=None, at=NOW)


def opened(*, limit: int = 100, remaining: int = 99, in_flight: int = 0) -> Budget:
    return after_replies(Budget(), [reply(limit=limit, remaining=remaining)], in_flight=in_flight, now=NOW)


def test_without_a_known_limit_one_poll_is_in_flight_at_a_time() -> None:
    first = grant(Budget(), NOW, in_flight=0, share=0.8)
    second = grant(Budget(), NOW, in_flight=1, share=0.8)

    assert (first.count, first.probe) == (1, True)
    assert second.count == 0


@pytest.mark.parametrize("budget", [Budget(), Budget(limit=100)], ids=["no limit known", "a limit known"])
def test_while_a_probe_is_in_flight_other_workers_try_again_within_a_second(budget: Budget) -> None:
    probing = replace(budget, probing_until=NOW + 15 * SECOND)

    assert grant(probing, NOW, in_flight=1, share=1) == Grant(count=0, again_at=NOW + SECOND)


def test_no_other_poll_starts_while_a_probe_is_in_flight() -> None:
    granted = grant(Budget(limit=100, probing_until=NOW + 5), NOW, in_flight=0, share=1)

    assert (granted.count, granted.again_at) == (0, NOW + 5)


def test_a_reply_opens_the_window_minus_the_requests_in_flight() -> None:
    budget = opened(limit=100, remaining=60, in_flight=7)

    assert (budget.limit, budget.available, budget.ends_at) == (100, 53, NOW + MINUTE)


def test_within_a_window_the_bound_only_decreases() -> None:
    budget = replace(opened(), available=10)

    after = after_replies(budget, [reply(remaining=90), reply(remaining=5)], in_flight=2, now=NOW)

    assert after.available == 3


def test_calls_of_other_programs_lower_the_bound() -> None:
    after = after_replies(opened(), [reply(remaining=1)], in_flight=0, now=NOW)

    assert grant(after, NOW + 59 * SECOND, in_flight=0, share=0.8).count == 1


def test_the_budget_uses_only_its_share_of_the_limit() -> None:
    budget = replace(opened(), spent=79)

    assert grant(budget, NOW + 59_999, in_flight=0, share=0.8).count == 1
    assert grant(replace(budget, spent=80), NOW + 59_999, in_flight=0, share=0.8).count == 0


def test_requests_are_spread_over_the_window() -> None:
    budget = opened()
    started = []
    now = NOW
    while now < NOW + MINUTE:
        granted = grant(budget, now, in_flight=0, share=0.8)
        started += [now - NOW] * granted.count
        budget = replace(
            budget,
            available=budget.available - granted.count,
            spent=budget.spent + granted.count,
            paced_until=granted.paced_from + granted.count * granted.step if granted.count else budget.paced_until,
        )
        now += 250

    in_first_quarter = sum(at < 15_000 for at in started)
    assert 75 <= len(started) <= 79
    assert in_first_quarter <= len(started) * 0.4


def test_after_a_window_ends_a_single_probe_opens_the_next() -> None:
    budget = opened()

    granted = grant(budget, budget.ends_at, in_flight=3, share=0.8)

    assert (granted.count, granted.probe) == (1, True)


def test_a_late_reply_of_the_old_window_opens_no_new_one() -> None:
    straggler = Reply(import_id="imp", answer=READ, allowance=Allowance(limit=100, remaining=3, resets_in=0), at=NOW)

    after = after_replies(Budget(limit=100, probing_until=NOW + 9), [straggler], in_flight=1, now=NOW)

    assert not after.window_open(NOW)


@pytest.mark.parametrize(
    ("wait", "resets_in", "pause"),
    [
        (30 * SECOND, MINUTE, 30 * SECOND),
        (None, 20 * SECOND, 20 * SECOND),
        (0, MINUTE, SECOND),
        (10**12, MINUTE, LONGEST_RALLY_PAUSE),
    ],
)
def test_a_429_pauses_the_workspace_until_the_named_time(wait: int | None, resets_in: int, pause: int) -> None:
    after = after_replies(opened(), [reply(OverLimit(wait), remaining=0, resets_in=resets_in)], in_flight=0, now=NOW)

    assert grant(after, NOW + pause - 1, in_flight=0, share=1).count == 0
    assert grant(after, NOW + pause, in_flight=0, share=1).count == 1


def test_a_shorter_429_does_not_shorten_a_longer_one() -> None:
    replies = [bare(OverLimit(60 * SECOND)), bare(OverLimit(SECOND))]

    assert after_replies(Budget(), replies, in_flight=0, now=NOW).not_before == NOW + 60 * SECOND


def test_a_refused_key_is_probed_once_a_minute_until_it_is_accepted() -> None:
    refused = after_replies(opened(), [bare(KeyRefused())], in_flight=0, now=NOW)

    assert refused.key_refused_since == NOW
    assert grant(refused, NOW + MINUTE - 1, in_flight=0, share=1).count == 0
    assert grant(refused, NOW + MINUTE, in_flight=0, share=1).count == 1

    straggler = replace(bare(), at=NOW + MINUTE - 1)
    assert after_replies(refused, [straggler], in_flight=0, now=NOW + MINUTE).key_refused_since == NOW
    probed = replace(bare(Absent(Absence.NOT_FOUND)), at=NOW + MINUTE)
    assert after_replies(refused, [probed], in_flight=0, now=NOW + MINUTE).key_refused_since is None


def test_a_reply_to_a_poll_from_before_the_refusal_does_not_end_it() -> None:
    replies = [bare(KeyRefused()), reply(), bare(KeyRefused())]
    budget, refusals = opened(), []
    for each in replies:
        budget = after_replies(budget, [each], in_flight=0, now=NOW)
        refusals.append(budget.key_refused_since)

    assert refusals == [NOW] * 3, "the operator is notified once"


def test_an_absurd_reset_is_replaced_by_the_next_valid_one() -> None:
    absurd = after_replies(Budget(), [reply(resets_in=LONGEST_RALLY_PAUSE)], in_flight=0, now=NOW)
    sound = after_replies(absurd, [reply(remaining=98)], in_flight=0, now=NOW)

    assert (absurd.ends_at, absurd.window) == (NOW + LONGEST_RALLY_PAUSE, LONGEST_RALLY_PAUSE)
    assert (sound.ends_at, sound.window) == (NOW + MINUTE, MINUTE)


@dataclass
class Vendor:
    """A Rally with fixed windows that begin at any moment, times in whole seconds, and calls of other programs."""

    limit: int
    others: int
    ends_at: Moment
    used: int = 0

    def answer(self, now: Moment) -> Reply:
        if now >= self.ends_at:
            self.ends_at += ((now - self.ends_at) // WINDOW + 1) * WINDOW
            self.used = min(self.others, self.limit - 1)
        self.used += 1
        assert self.used <= self.limit
        resets_in = self.ends_at // SECOND * SECOND - now // SECOND * SECOND
        allowance = Allowance(limit=self.limit, remaining=self.limit - self.used, resets_in=resets_in)
        return Reply(import_id="imp", answer=READ, allowance=allowance, at=now)


def start(budget: Budget, granted: Grant) -> Budget:
    """Return the budget after the claim."""
    return replace(
        budget,
        available=budget.available - granted.count,
        spent=budget.spent + granted.count,
        paced_until=granted.paced_from + granted.count * granted.step,
    )


@given(
    vendor=st.builds(
        Vendor, limit=st.integers(1, 200), others=st.integers(0, 20), ends_at=st.integers(NOW - WINDOW, NOW)
    ),
    share=st.floats(0.05, 1),
    ticks=st.lists(st.integers(1, 3000), min_size=5, max_size=80),
)
def test_no_window_has_more_polls_than_rally_allows(vendor: Vendor, share: float, ticks: list[int]) -> None:
    """Rally counts the calls; the budget sees only its headers, and each reply one tick late."""
    budget, now = Budget(), NOW
    unanswered: list[Reply] = []
    for tick in [*ticks, *[50] * 300]:
        replies = [replace(reply, at=now) for reply in unanswered]
        budget = after_replies(budget, replies, in_flight=0, now=now, probed=True)
        granted = grant(budget, now, in_flight=0, share=share)
        if granted.count:
            budget = start(budget, granted)
        unanswered = [vendor.answer(now) for _ in range(granted.count)]
        now += tick


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
@pytest.mark.parametrize("ends_at", [NOW, NOW - 1, NOW - 4_321, NOW - 9_999])
def test_a_404_without_headers_counts_against_the_limit(limit: int, ends_at: int) -> None:
    vendor, budget, now = Vendor(limit=limit, others=0, ends_at=ends_at), Budget(), NOW
    started = {True: 0, False: 0}
    while now < NOW + 8 * WINDOW:
        with_headers = now < NOW + 3 * WINDOW
        granted = grant(budget, now, in_flight=0, share=1)
        if granted.count:
            started[with_headers] += granted.count
            budget = start(budget, granted)
            replies = [vendor.answer(now) for _ in range(granted.count)]
            if not with_headers:
                replies = [replace(reply, answer=Absent(Absence.NOT_FOUND), allowance=None) for reply in replies]
            budget = after_replies(budget, replies, in_flight=0, now=now + 5, probed=granted.probe)
        now += 10

    assert started[False] >= 4 * limit, "nor does it stop the polling"


def unanswered(at: Moment) -> Reply:
    return Reply(import_id="imp", answer=Unanswered("HTTP 503"), allowance=None, at=at)


def test_during_an_outage_a_probe_is_sent_after_each_quarter_of_its_length() -> None:
    budget, now, pauses = opened(), NOW, []
    for _ in range(25):
        budget = after_replies(budget, [unanswered(now)], in_flight=0, now=now)
        pauses.append(max(0, budget.not_before - now))
        now = max(now + 1, budget.not_before)

    assert pauses[:4] == [0, 0, 0, 0]
    assert pauses[4:8] == [SECOND] * 4
    assert pauses[8:11] == [1_001, 1_251, 1_564]
    assert pauses[-1] == 15 * SECOND
    assert budget.breaker_open
    assert budget.failing_since == NOW
    granted = grant(budget, now, in_flight=0, share=1)
    assert (granted.count, granted.probe) == (1, True)

    healed = after_replies(budget, [bare()], in_flight=0, now=now)
    assert (healed.breaker_open, healed.failing_since) == (False, None)


def test_faults_of_requests_in_flight_together_count_as_one_outage() -> None:
    budget = after_replies(opened(), [unanswered(NOW)] * 50, in_flight=0, now=NOW)

    assert budget.not_before == NOW + SECOND


def test_a_single_answer_closes_the_breaker_again() -> None:
    replies = [*[unanswered(NOW)] * 4, reply(), *[unanswered(NOW)] * 4]

    assert not after_replies(opened(), replies, in_flight=0, now=NOW).breaker_open


def test_the_window_length_is_measured_on_windows_seen_from_their_start() -> None:
    joined_late = after_replies(Budget(), [reply(resets_in=20 * SECOND)], in_flight=0, now=NOW)
    whole = after_replies(replace(joined_late, ends_at=NOW - SECOND), [reply(resets_in=MINUTE)], in_flight=0, now=NOW)
    late_again = after_replies(
        replace(whole, ends_at=NOW - MINUTE), [reply(resets_in=5 * SECOND)], in_flight=0, now=NOW
    )

    assert (joined_late.window, whole.window, late_again.window) == (20 * SECOND, 61 * SECOND, 61 * SECOND)


OPEN = Budget(limit=100, available=80, spent=20, ends_at=NOW + 60 * SECOND, window=60 * SECOND)


@pytest.mark.parametrize(
    ("budget", "in_flight", "granted"),
    [
        (Budget(not_before=NOW + 5), 0, Grant(count=0, again_at=NOW + 5)),
        (Budget(probing_until=NOW + 5), 0, Grant(count=0, again_at=NOW + 5)),
        (Budget(probing_until=NOW), 0, Grant(count=1, again_at=NOW + SECOND, probe=True)),
        (Budget(), 1, Grant(count=0, again_at=NOW + SECOND)),
        (
            replace(OPEN, ends_at=NOW),
            1,
            Grant(count=1, again_at=NOW + 763, paced_from=NOW, step=763, probe=True, rules_left=20),
        ),
        (replace(OPEN, ends_at=NOW, paced_until=NOW + 1), 0, Grant(count=0, again_at=NOW + 1)),
        (replace(OPEN, ends_at=NOW, probing_until=NOW + 5), 0, Grant(count=0, again_at=NOW + 5)),
        (replace(OPEN, ends_at=NOW, available=0), 0, Grant(count=0, again_at=NOW + SECOND)),
        (
            replace(OPEN, ends_at=NOW, available=1),
            0,
            Grant(count=1, again_at=NOW + 763, paced_from=NOW, step=763, probe=True, rules_left=20),
        ),
        (
            replace(OPEN, ends_at=NOW - SECOND, available=0),
            0,
            Grant(count=1, again_at=NOW + 763, paced_from=NOW, step=763, probe=True, rules_left=20),
        ),
        (replace(OPEN, available=0), 0, Grant(count=0, again_at=OPEN.ends_at)),
        (replace(OPEN, spent=80), 0, Grant(count=0, again_at=OPEN.ends_at)),
        (replace(OPEN, paced_until=NOW + 1), 0, Grant(count=0, again_at=NOW + 1)),
        (
            OPEN,
            0,
            Grant(
                count=7, again_at=NOW + 1_000, paced_from=NOW - 6_000, step=1_000, ends_at=OPEN.ends_at, rules_left=20
            ),
        ),
        (
            replace(OPEN, paced_until=NOW - 1_500),
            0,
            Grant(count=2, again_at=NOW + 500, paced_from=NOW - 1_500, step=1_000, ends_at=OPEN.ends_at, rules_left=20),
        ),
        (
            replace(OPEN, available=1),
            0,
            Grant(count=1, again_at=NOW + 60_000, paced_from=NOW, step=60_000, ends_at=OPEN.ends_at, rules_left=20),
        ),
        (
            replace(OPEN, limit=1, available=1, spent=0),
            0,
            Grant(count=1, again_at=NOW + 60_000, paced_from=NOW, step=60_000, ends_at=OPEN.ends_at, rules_left=1),
        ),
        (replace(OPEN, limit=1, available=1, spent=1), 0, Grant(count=0, again_at=OPEN.ends_at)),
        (
            replace(OPEN, available=4, ends_at=NOW + 3),
            0,
            Grant(count=4, again_at=NOW, paced_from=NOW, step=0, ends_at=NOW + 3, rules_left=20),
        ),
        (
            replace(OPEN, available=40, ends_at=NOW + 40, paced_until=NOW),
            0,
            Grant(count=1, again_at=NOW + 1, paced_from=NOW, step=1, ends_at=NOW + 40, rules_left=20),
        ),
    ],
)
def test_each_budget_grants_exactly_these_polls(budget: Budget, in_flight: int, granted: Grant) -> None:
    assert grant(budget, NOW, in_flight=in_flight, share=0.8) == granted


@pytest.mark.parametrize(
    ("spent", "by_rules", "count", "places"),
    [
        (0, 0, 1, (0, 1)),
        (0, 0, 4, (1, 4)),
        (3, 0, 1, (1, 1)),
        (3, 1, 1, (0, 1)),
        (40, 0, 8, (8, 8)),
        (40, 19, 8, (0, 1)),
        (79, 20, 1, (0, 0)),
        (79, 21, 9, (0, 0)),
    ],
)
def test_imports_of_rules_get_every_fourth_poll_and_at_most_a_quarter(
    spent: int, by_rules: int, count: int, places: tuple[int, int]
) -> None:
    budget = replace(OPEN, spent=spent, spent_by_rules=by_rules, rules_until=OPEN.ends_at)
    granted = Grant(count=count, again_at=0, rules_left=budget.left_for_rules(NOW, 0.8))

    assert places_for_rules(budget, granted, NOW, count) == places
    assert rules_window(budget, NOW) == (by_rules, OPEN.ends_at)


@given(
    st.integers(1, 200), st.lists(st.tuples(st.integers(1, 20), st.integers(0, 20), st.integers(0, 20)), max_size=60)
)
def test_whatever_is_due_the_imports_of_rules_stay_within_a_quarter_and_are_not_starved(
    limit: int, claims: list[tuple[int, int, int]]
) -> None:
    budget = Budget(limit=limit, available=limit, rules_until=NOW + MINUTE)
    for wanted, explicit, by_rules in claims:
        count = min(wanted, limit - budget.spent)
        granted = Grant(count=count, again_at=0, rules_left=budget.left_for_rules(NOW, 1))
        least, most = places_for_rules(budget, granted, NOW, count)
        assert 0 <= least <= most <= count
        rules = min(by_rules, most, max(least, count - explicit))
        spent = budget.spent + rules + min(explicit, count - rules)
        budget = replace(budget, spent=spent, spent_by_rules=budget.spent_by_rules + rules)
        assert budget.spent_by_rules <= max(1, limit // 4)
        if by_rules >= count > 0 and budget.left_for_rules(NOW, 1):
            assert budget.spent_by_rules >= budget.spent // 4 or rules == count, "they got all that was left"


def test_an_unknown_limit_and_a_closed_window_let_an_import_of_a_rule_be_the_probe() -> None:
    spent_up = replace(OPEN, ends_at=NOW, spent=80, spent_by_rules=20, rules_until=NOW)

    for budget in (Budget(), spent_up):
        granted = grant(budget, NOW, in_flight=0, share=0.8)
        assert places_for_rules(budget, granted, NOW, granted.count)[1] == 1


def test_a_window_that_a_pause_has_closed_gives_rules_no_second_quarter() -> None:
    paused = replace(OPEN, ends_at=0, spent=40, spent_by_rules=20, rules_until=OPEN.ends_at, available=40)

    probe = grant(paused, NOW, in_flight=0, share=0.8)
    assert (probe.count, probe.rules_left, probe.rules_again_at) == (1, 0, OPEN.ends_at)

    again = after_replies(paused, [reply(resets_in=60 * SECOND)], in_flight=0, now=NOW)
    assert (again.left_for_rules(NOW, 0.8), again.rules_until) == (0, OPEN.ends_at)
    assert again.left_for_rules(OPEN.ends_at, 0.8) == 20


def test_polls_for_rules_before_a_window_opened_count_until_its_end() -> None:
    probed = Budget(spent_by_rules=1, rules_until=NOW + SECOND)
    opened = replace(OPEN, spent_by_rules=probed.spent_by_rules, rules_until=probed.rules_until)

    assert rules_window(opened, NOW) == (1, OPEN.ends_at)


@pytest.mark.parametrize(
    ("budget", "until"), [(OPEN, OPEN.ends_at), (replace(OPEN, ends_at=NOW), NOW + MINUTE), (Budget(), NOW + SECOND)]
)
def test_what_rules_use_counts_until_the_end_of_the_window_or_for_the_length_of_one(
    budget: Budget, until: Moment
) -> None:
    assert rules_window(budget, NOW) == (0, until)


@pytest.mark.parametrize(("before", "in_flight", "after"), [(0, 9, 0), (20, 0, 1), (20, 4, 5), (3, 9, 3)])
def test_a_new_window_counts_the_polls_of_rules_that_are_in_flight(before: int, in_flight: int, after: int) -> None:
    ended = replace(OPEN, ends_at=NOW - SECOND, spent=80, spent_by_rules=before)

    budget = after_replies(ended, [reply()], in_flight=in_flight, now=NOW)

    assert budget.spent_by_rules == after

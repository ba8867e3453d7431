"""How a rule's watch ends, if its push said that there was a problem and no poll could read the import."""

from dataclasses import replace

from bridge.domain.conclusions import Conclusion, conclude
from bridge.domain.import_state import ImportState
from bridge.domain.imports import Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.rules.pushes import Push
from bridge.domain.times import Moment
from bridge.domain.watches import Watch

AS_PUSHED = "as Rally's push said; the bridge could not read the import"


def conclude_pushed(
    watch: Watch, state: ImportState, now: Moment, *, last_call_made: bool = False
) -> Conclusion | None:
    """Return how a watch has ended, as `conclude` does; a push that said there was a problem is not lost.

    Such a push is signed, so absences of its import do not end the watch, and without any reading it counts at the
    expiry. The ids of tests are excepted: Rally has no such imports.
    """
    if watch.push is None or not counts_as_pushed(watch):
        return conclude(watch, state, now, last_call_made=last_call_made)
    conclusion = conclude(watch, replace(state, absent=None), now, last_call_made=last_call_made)
    if conclusion is None or conclusion.outcome is not Outcome.TIMED_OUT or state.reading is not None:
        return conclusion
    return Conclusion(_outcome(watch.push.push), AS_PUSHED, _reading_by(watch.push.push))


def counts_as_pushed(watch: Watch) -> bool:
    """Return whether the push of a watch is told if the import can't be read."""
    return watch.push is not None and watch.push.push.says_problem and not watch.push.push.is_test


def _outcome(push: Push) -> Outcome:
    return Outcome.FAILED if push.status == "ERROR" else Outcome.COMPLETED_WITH_FAILURES


def _reading_by(push: Push) -> Reading:
    """Return what a push says of its import, in the form of a reading."""
    return Reading(
        import_id=push.import_id,
        type=None,
        status=push.status or "UNKNOWN",
        person_count=None,
        failed_record_count=push.failed_record_count or 0,
    )

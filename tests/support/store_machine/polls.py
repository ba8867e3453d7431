"""Steps of the poll shifts of several workers."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    multiple,
    precondition,
    rule,
)

from bridge.domain.imports import Absence, Absent, ImportAnswer, OverLimit, Read, Reading, Reply, Unanswered
from bridge.domain.outcomes import outcome_of
from bridge.domain.polling.budget import Grant
from bridge.domain.polling.poll_results import ImportUpdate, PollClaim, after_poll, quarantine, release_claim
from bridge.domain.rules.pushes import CSV_FINISHED, Push, PushResult
from bridge.domain.times import DAY, SECOND, Moment
from bridge.store import keys, poll_scores
from bridge.store.imports.imports import PollCommit
from tests.support.redis_snapshot import ImportKey
from tests.support.store_machine.steps import (
    IMPORTS,
    POLL_LEASE,
    StoreSteps,
)

poll_claims: Bundle[PollClaim] = Bundle("poll_claims")
ANSWERS: tuple[ImportAnswer | str, ...] = (
    *(
        Read(Reading(import_id="imp", type="CSV", status=status, person_count=7, failed_record_count=failed))
        for status, failed in (("UPLOADING", 0), ("COMPLETED", 0), ("COMPLETED", 2), ("ERROR", 0))
    ),
    *(Absent(absence) for absence in Absence),
    Unanswered("HTTP 503"),
    OverLimit(None),
    "not sent",
    "failed in our code",
)


class PollSteps(StoreSteps):
    """Several workers claim imports and commit results, also late and twice."""

    @precondition(lambda self: self.model.polling)
    @rule(target=poll_claims, workspace=st.sampled_from(["default", "eu"]), room=st.integers(1, 3), raced=st.booleans())
    def claim_polls(self, workspace: str, room: int, raced: bool) -> Any:  # noqa: FBT001 - Hypothesis draws it
        return multiple(*self._lease_polls(workspace, room, raced=raced))

    def _lease_polls(self, workspace: str, room: int, *, raced: bool = False) -> list[PollClaim]:
        before, early = self.snapshot(), self.now()
        claims = self._claim_polls(workspace, room, raced=raced)
        late = self.now()
        scores = before.index(keys.imports_due(workspace))
        due = {import_id for import_id, score in scores.items() if poll_scores.moment(score) <= early}
        assert len(claims) <= room
        assert len(claims) >= (0 if raced else min(room, len(due)))
        for claim in claims:
            polling = self.model.polling[workspace, claim.import_id]
            assert polling.lease_end <= late, "two workers may poll one import at once"
            self._raise_fence(claim.fence)
            polling.fence, polling.lease_end, polling.pushed = claim.fence, early + POLL_LEASE, False
        return claims

    def _claim_polls(self, workspace: str, room: int, *, raced: bool = False) -> list[PollClaim]:
        snapshot = self.run(self.resources.budgets.read(workspace))
        if raced:
            assert self.run(self.resources.budgets.write(workspace, snapshot.budget))
        claims = self.run(
            self.resources.imports.claim(
                workspace,
                snapshot.budget,
                Grant(count=9, again_at=0, rules_left=9),
                room=room,
                lease=POLL_LEASE,
                now=snapshot.now,
                push_expected=workspace == "default",
            )
        )
        assert (claims is None) == raced
        return claims or []

    @rule(claim=poll_claims, answer=st.sampled_from(ANSWERS), another=poll_claims, to_another=st.sampled_from(ANSWERS))
    def commit_polls(
        self, claim: PollClaim, answer: ImportAnswer | str, another: PollClaim, to_another: ImportAnswer | str
    ) -> None:
        """Commit results, perhaps long after the lease, and repeat it as after a lost reply, which changes nothing."""
        now = self.now()
        commits = [PollCommit(claim=claim, update=self._update(claim, answer, now), at=now)]
        if another.workspace == claim.workspace and another.fence != claim.fence:
            commits.append(PollCommit(claim=another, update=self._update(another, to_another, now), at=now))
        expected = [self._is_current(commit.claim) for commit in commits]
        assert self._commit_polls(commits) == expected
        for commit, committed in zip(commits, expected, strict=True):
            if committed:
                self._note_answer(commit)
        self.unchanged(lambda: self._commit_polls(commits))

    def _update(self, claim: PollClaim, answer: ImportAnswer | str, now: Moment) -> ImportUpdate:
        match answer:
            case "not sent":
                return release_claim(claim)
            case "failed in our code":
                return quarantine(claim, now)
            case str():
                raise AssertionError(answer)
        reply = Reply(import_id="imp", answer=answer, allowance=None, at=now)
        return after_poll(claim, reply, self.resources.poll_intervals, jitter=0)

    def _commit_polls(self, commits: list[PollCommit]) -> list[bool]:
        workspace, settle_by = commits[0].claim.workspace, commits[0].at + 10 * SECOND
        expected = workspace == "default"
        return self.run(self.resources.imports.commit(workspace, commits, settle_by=settle_by, push_expected=expected))

    def _is_current(self, claim: PollClaim) -> bool:
        polling = self.model.polling.get((claim.workspace, claim.import_id))
        return polling is not None and polling.fence == claim.fence

    def _note_answer(self, commit: PollCommit) -> None:
        key, update = (commit.claim.workspace, commit.claim.import_id), commit.update
        self.model.polling[key].lease_end = 0
        if update.absent is not None:
            self.model.answers.add((key, update.absent.absence.value))
        if update.due is None:
            assert update.reading is not None
            del self.model.polling[key]
            self.model.final.add(key)
            self.model.answers.add((key, str(outcome_of(update.reading))))

    @precondition(lambda self: self.model.polling)
    @rule(workspace=st.sampled_from(["default", "eu"]), answers=st.lists(st.sampled_from(ANSWERS), min_size=2))
    def poll(self, workspace: str, answers: list[ImportAnswer | str]) -> None:
        """Claim and commit with no other step in between."""
        for claim, answer in zip(self._lease_polls(workspace, 2), answers, strict=False):
            self.commit_polls(claim, answer, claim, answer)

    @precondition(lambda self: self.model.polling)
    @rule(key=st.sampled_from(IMPORTS))
    def poll_now(self, key: ImportKey) -> None:
        self.run(self.resources.imports.poll_now(*key))

    @rule(key=st.sampled_from(IMPORTS), failed_before=st.sampled_from([0, 0, 0, 1]))
    def push(self, key: ImportKey, failed_before: int) -> None:
        """Record a push, and repeat it as Svix does, which changes nothing but a counter."""
        message = f"msg_{next(self.names)}"
        result = PushResult.WATCHED if key in self.model.polling else PushResult.UNWATCHED
        assert self._push(key, message, failed_before) == result
        assert self._push(key, message, 0) == PushResult.DUPLICATE
        if key in self.model.polling:
            self.model.polling[key].pushed = True

    def _push(self, key: ImportKey, message: str, failed_before: int) -> PushResult:
        push = Push(
            message_id=message,
            event=CSV_FINISHED,
            workspace=key[0],
            import_id=key[1],
            status="COMPLETED",
            failed_record_count=0,
            updated_at=None,
        )
        recorded = self.resources.pushes.record(push, for_rules=False, first_kept=DAY, failed_before=failed_before)
        return self.run(recorded).result

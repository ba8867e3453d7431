"""Imports: claimed for a poll under a budget, committed under a fence, read, and claimed for settling when final."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.history.notes import MOST_NOTES, notes_of_poll
from bridge.domain.imports import Reading
from bridge.domain.polling.budget import Budget, Grant, places_for_rules, rules_window
from bridge.domain.polling.poll_results import ImportUpdate, PollClaim, is_news
from bridge.domain.polling.poll_tiers import SHORTEST_TIER, tier_of
from bridge.domain.rules.push_proof import countable_type
from bridge.domain.times import SECOND, Moment, Span
from bridge.redis.errors import translated
from bridge.store import bindings, codec, keys, poll_scores
from bridge.store.calls.connection import Store
from bridge.store.encryption import Encryptor
from bridge.store.imports.import_records import (
    ImportRecord,
    dump_answer,
    dump_noted,
    dump_streak,
    load_import,
    load_import_leniently,
    load_noted,
    load_streak,
)
from bridge.store.imports.record_sets import RecordSets
from bridge.store.pushes.push_proofs import load_proofs
from bridge.store.watches.history import KEPT_FOR, dump_note

SETTLING_AHEAD: Span = 20 * SECOND
"""The longest time until settling is resumed. If more remains, the clock was set back, and it is resumed now."""
MOVED_BACK_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PollCommit:
    """The result of a poll, to be written under its claim's fence; `at` is the time of Rally's answer."""

    claim: PollClaim
    update: ImportUpdate
    at: Moment


class Imports:
    """The imports in Redis."""

    def __init__(self, store: Store, encryptor: Encryptor) -> None:
        self._store = store
        self._encryptor = encryptor
        self._record_sets = RecordSets(store, encryptor)

    async def claim(
        self,
        workspace: str,
        budget: Budget,
        grant: Grant,
        *,
        room: int,
        lease: Span,
        now: Moment,
        push_expected: bool = False,
    ) -> list[PollClaim] | None:
        """Reserve budget and claim due imports in one step; None if the budget was overwritten since it was read.

        Only if Rally pushes to this workspace (`push_expected`), what pushes have proven counts.
        """
        count = min(room, grant.count)
        rules_least, rules_most = places_for_rules(budget, grant, now, count)
        rules_spent, rules_until = rules_window(budget, now)
        _now, verdict, *claimed = await self._store.run(
            "claim_polls",
            {
                "budget": keys.budget(workspace),
                "imports_due": keys.imports_due(workspace),
                "imports_leased": keys.imports_leased(workspace),
                "fences": keys.FENCE,
                "proof": keys.push_proof(workspace),
            },
            {
                "version": budget.version,
                "count": count,
                "rules_least": rules_least,
                "rules_most": rules_most,
                "rules_spent": rules_spent,
                "rules_until": rules_until,
                "lease": lease,
                "paced_from": grant.paced_from,
                "step": grant.step,
                "probing_until": now + lease if grant.probe else 0,
                "import_prefix": keys.import_prefix(workspace),
                "stretched_prefix": keys.imports_stretched_prefix(workspace),
                "find_probe": int(budget.breaker_open),
            },
        )
        if verdict == "stale":
            return None
        proofs = load_proofs(codec.unflatten(claimed[0])) if push_expected else {}
        return [
            PollClaim(
                workspace=workspace,
                import_id=import_id,
                fence=fence,
                due=due,
                tier=tier,
                first_at=first_at,
                polls=polls,
                faults=faults,
                reading_digest=reading_digest,
                absent=load_streak(absent),
                pushed_at=None if pushed_at < 0 else pushed_at,
                polls_since_push=max(0, polls - pushed_polls),
                by_rule=bool(by_rule),
                noted=load_noted(noted),
                proofs=proofs,
            )
            for import_id, fence, due, tier, first_at, polls, faults, reading_digest, absent, *push in claimed[1:]
            for pushed_at, pushed_polls, by_rule, noted in [push]
        ]

    async def commit(
        self, workspace: str, commits: Sequence[PollCommit], *, settle_by: Moment, push_expected: bool = False
    ) -> list[bool]:
        """Write poll results. Return for each whether its fence was valid. Final imports become due for settling.

        If Rally pushes to this workspace (`push_expected`), their ends count for or against the proof of pushes.
        """
        await self._keep_record_sets(commits)
        flags = await self._store.run(
            "commit_polls",
            {
                "imports_due": keys.imports_due(workspace),
                "imports_leased": keys.imports_leased(workspace),
                "settling": keys.SETTLING,
                "final": keys.FINAL,
                "proof": keys.push_proof(workspace),
                "awaited": keys.pushes_awaited(workspace),
                "awaited_types": keys.push_types_awaited(workspace),
            },
            {
                "settle_by": settle_by,
                "polls": len(commits),
                "push_expected": int(push_expected),
                "stretched_prefix": keys.imports_stretched_prefix(workspace),
                "notes_prefix": keys.NOTES_PREFIX,
                "notes_kept": MOST_NOTES,
                "notes_kept_for": KEPT_FOR,
            },
            more_keys=[keys.import_(workspace, commit.claim.import_id) for commit in commits],
            more_args=[part for commit in commits for part in self._found(commit)],
        )
        return [bool(flag) for flag in flags]

    async def get(self, workspace: str, import_id: str) -> ImportRecord | None:
        record, due = await asyncio.gather(
            self._store.call("HGETALL", keys.import_(workspace, import_id)),
            self._store.call("ZSCORE", keys.imports_due(workspace), import_id),
        )
        next_due = None if due is None else poll_scores.moment(due)
        return load_import(self._encryptor, workspace, import_id, record, next_due)

    async def many(self, imports: Sequence[tuple[str, str]]) -> list[ImportRecord | None]:
        """Return the imports at these (workspace, import id), in this order."""
        if not imports:
            return []
        async with translated(), self._store.redis.pipeline(transaction=False) as pipe:
            for workspace, import_id in imports:
                pipe.hgetall(keys.import_(workspace, import_id))
                pipe.zscore(keys.imports_due(workspace), import_id)
            replies = await pipe.execute()
        return [
            load_import_leniently(self._encryptor, *key, record, None if due is None else poll_scores.moment(due))
            for key, record, due in zip(imports, replies[::2], replies[1::2], strict=True)
        ]

    async def poll_now(self, workspace: str, import_id: str) -> None:
        """Schedule an import's next poll for now, or for the end of a Retry-After.

        If a poll is in progress, another one follows it: its question may have been asked too early.
        """
        await self._store.run("poll_now", self._polling(workspace, import_id), {"import_id": import_id})

    async def mark_pushed(self, workspace: str, import_id: str) -> bool:
        """Note that Rally has pushed the end of an import, and poll it now. Return whether it is polled at all."""
        pushed = await self._store.run("mark_pushed", self._polling(workspace, import_id), {"import_id": import_id})
        return bool(pushed)

    def _polling(self, workspace: str, import_id: str) -> dict[str, str]:
        return {
            "import": keys.import_(workspace, import_id),
            "imports_due": keys.imports_due(workspace),
            "imports_leased": keys.imports_leased(workspace),
        }

    async def claim_settling(self, count: int, lease: Span) -> list[tuple[str, str]]:
        """Claim final imports whose watches must be settled: (workspace, import id)."""
        _now, *members = await self._store.run(
            "claim_due", {"due": keys.SETTLING}, {"count": count, "lease": lease, "furthest": SETTLING_AHEAD}
        )
        return [keys.split_member(member) for member in members]

    async def move_back(self, workspace: str, lease: Span) -> int:
        """After the clock was set back: reschedule polls that lie too far ahead. Return how many."""
        due = {"imports_due": keys.imports_due(workspace), "imports_leased": keys.imports_leased(workspace)}
        bounds = {"lease": lease, "shortest": SHORTEST_TIER, "count": MOVED_BACK_AT_ONCE}
        prefix = {"import_prefix": keys.import_prefix(workspace)}
        moved = 0
        while batch := int(await self._store.run("move_back_polls", due, {**bounds, **prefix})):
            moved += batch
        return moved

    async def delete_final(self, *, reuse: Span, count: int) -> int:
        """Delete final imports that are too old to answer new watches. Return how many."""
        deleted = await self._store.run(
            "delete_final_imports",
            {"final": keys.FINAL},
            {
                "reuse": reuse,
                "count": count,
                "import_prefix": keys.IMPORT_PREFIX,
                "waiting_prefix": keys.WAITING_PREFIX,
            },
        )
        return int(deleted)

    async def drop_settling(self, workspace: str, import_id: str) -> None:
        """Remove an import from those to be settled if no open watch waits for it."""
        await self._store.run(
            "drop_settling",
            {"settling": keys.SETTLING, "waiting": keys.waiting(workspace, import_id)},
            {"member": keys.member(workspace, import_id)},
        )

    async def _keep_record_sets(self, commits: Sequence[PollCommit]) -> None:
        """Store the record sets of new readings, before the readings that refer to them."""
        for claim, update in ((commit.claim, commit.update) for commit in commits):
            reading = update.reading
            if reading is None or reading.record_set_id is None or _dump(reading)[1] == claim.reading_digest:
                continue
            await self._record_sets.keep(claim.workspace, claim.import_id, reading.record_set_id, update.record_set)

    def _found(self, commit: PollCommit) -> list[str | int]:
        claim, update = commit.claim, commit.update
        fields: list[str | int] = []
        news = is_news(claim, update)
        type_ = (countable_type(update.reading.type) if update.reading is not None else None) or ""
        if update.reading is not None:
            text, digest = _dump(update.reading)
            # Encryption is the most expensive part of a commit, and most readings are unchanged.
            if digest != claim.reading_digest:
                binding = bindings.of_reading(claim.workspace, claim.import_id)
                fields += ["reading", self._encryptor.encrypt(text, binding), "reading_digest", digest, "type", type_]
                fields += ["record_set", update.reading.record_set_id or ""]
                news = True
            if not update.reading.finished:
                fields += ["read_open", 1]
            fields += ["absent", ""]
        fields += ["faults", update.faults]
        if update.counted:
            fields += ["polls", claim.polls + 1, "polled_at", commit.at, "trouble", update.trouble or ""]
            fields += ["retry_at", update.retry_at]
        if update.absent is not None:
            fields += ["absent", dump_streak(update.absent)]
        if update.answer is not None:
            fields += ["answer", dump_answer(update.answer)]
        notes, noted = notes_of_poll(claim, update, commit.at)
        if noted is not None:
            fields += ["noted", dump_noted(noted)]
        if notes:
            fields += ["noted_under", claim.fence]
        return [
            *(claim.import_id, keys.member(claim.workspace, claim.import_id)),
            *(claim.fence, _score(commit, update.due), int(news)),
            *(type_, _score(commit, update.unstretched_due), update.stretch.streak),
            *(len(fields), *fields),
            len(notes),
            *(dump_note(self._encryptor, each, claim.workspace, claim.import_id) for each in notes),
        ]


def _dump(reading: Reading) -> tuple[str, str]:
    """Return a reading as stored, and its digest."""
    text = codec.dump(reading)
    return text, hashlib.sha256(text.encode()).hexdigest()


def _score(commit: PollCommit, due: Moment | None) -> int:
    """Return an import's score in the order of polls if its next poll is at `due`; 0 for none."""
    if due is None:
        return 0
    return poll_scores.score(tier_of(due - commit.at) if commit.update.counted else commit.claim.tier, due)

"""A model of what pushes prove, in plain Python: the same counts as `push_proof.lua`, for a test and a benchmark."""

from dataclasses import dataclass, field, replace

from bridge.domain.rules.push_proof import PushProof
from bridge.domain.times import MINUTE, Moment

MATCHES_WITHIN = MINUTE
AWAITED_FOR = 2 * MINUTE
PROVEN_BY = 3


@dataclass
class PushModel:
    """The proofs of a workspace by type, and the ends that still wait for a push."""

    proofs: dict[str, PushProof] = field(default_factory=dict)
    awaited: dict[str, tuple[Moment, str]] = field(default_factory=dict)
    """The moment at which a missing push becomes a miss, and the type, by import."""

    def proof(self, type_: str) -> PushProof:
        return self.proofs.get(type_, PushProof())

    def match(self, type_: str, now: Moment) -> None:
        before = self.proof(type_)
        after = replace(before, streak=before.streak + 1, matches=before.matches + 1, last_match=now, unpushed=0)
        if after.streak == PROVEN_BY:
            after = replace(after, proven=True, told=False)
        self.proofs[type_] = after

    def miss(self, type_: str, *, unpushed: int, count: int = 1) -> None:
        before = self.proof(type_)
        more = unpushed if before.proven else 0
        self.proofs[type_] = replace(before, streak=0, misses=before.misses + count, unpushed=before.unpushed + more)

    def end(self, import_id: str, type_: str, now: Moment, *, pushed_at: Moment | None, first_since: bool) -> None:
        """An import that was read unfinished is read final."""
        if pushed_at is not None and (first_since or now - pushed_at <= MATCHES_WITHIN):
            self.match(type_, now)
        elif pushed_at is None or now - pushed_at > AWAITED_FOR:
            self.awaited[import_id] = (now + AWAITED_FOR, type_)

    def push(self, import_id: str, now: Moment, *, failed_before: int = 0) -> None:
        """A push arrives; before it, our endpoint failed to take others."""
        if failed_before:
            for type_ in list(self.proofs):
                self.miss(type_, unpushed=0, count=failed_before)
        until, type_ = self.awaited.pop(import_id, (None, ""))
        if until is not None and until - now >= AWAITED_FOR - MATCHES_WITHIN:
            self.match(type_, now)

    def sweep(self, now: Moment) -> list[str]:
        """Count the ends for which no push came in time. Return their types."""
        overdue = [import_id for import_id, (until, _) in self.awaited.items() if until <= now]
        types = [self.awaited.pop(import_id)[1] for import_id in overdue]
        for type_ in types:
            self.miss(type_, unpushed=1)
        return types

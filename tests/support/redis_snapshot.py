"""Everything in Redis at one moment, and a check that records and indexes are consistent."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.domain.notices.notices import OPERATOR
from bridge.domain.rules.push_proof import STRETCHES
from bridge.store import keys
from bridge.store.calls.connection import Store
from bridge.store.pushes.push_proofs import load_proofs
from bridge.store.slack.living_messages import LivingQueue

ImportKey = tuple[str, str]
"""A workspace and an import."""

_TAKE = """
local taken = {}
for _, key in ipairs(redis.call('KEYS', 'rb:*')) do
  local kind = redis.call('TYPE', key).ok
  local held
  if kind == 'hash' then held = redis.call('HGETALL', key)
  elseif kind == 'zset' then held = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'set' then held = redis.call('SMEMBERS', key)
  elseif kind == 'list' then held = redis.call('LRANGE', key, 0, -1)
  else held = redis.call('GET', key) end
  taken[#taken + 1] = {key, kind, redis.call('PTTL', key), held}
end
return taken
"""
ACCOUNTED_ELSEWHERE = (
    *("rb:calls:", "rb:wakeups", "rb:queue", "rb:workers", "rb:apis", "rb:rules:stats:", "rb:figures:"),
    *("rb:replay", "rb:push:first:", "rb:push:queued:", "rb:pushes:due", "rb:full:"),
)
"""What the soundness of watches and deliveries does not depend on."""
_PERMANENT = {
    *(keys.FENCE, keys.CLOCK, keys.STORE_KEY, keys.LAYOUT_MARK),
    *(keys.ALARMS, keys.RECEIVERS_FAILING),
}
SKIPPED_FOR = "rb:deliveries:skipped_for:"
_PASSING_PREFIXES = (
    "rb:push:seen:",
    "rb:push:first:",
    "rb:rules:stats:",
    "rb:ends:",
    "rb:batch:",
    "rb:turn:",
    "rb:check",
)
_PASSING = (":paced", ":last", ":singles", ":calls", ":flooded")


@dataclass(frozen=True)
class Snapshot:
    """Keys and their contents: hashes and sorted sets as dicts, the latter with moments as values."""

    held: Mapping[str, Any]
    expiring: frozenset[str]
    """The keys with an expiry."""

    def hashes(self, prefix: str) -> dict[str, dict[str, str]]:
        """Return the records under a prefix, by the rest of their key."""
        return {
            key.removeprefix(prefix): held
            for key, held in self.held.items()
            if key.startswith(prefix) and isinstance(held, dict)
        }

    def index(self, key: str) -> dict[str, int]:
        found: dict[str, int] = self.held.get(key, {})
        return found

    @property
    def watches(self) -> dict[str, dict[str, str]]:
        return self.hashes(keys.WATCH_PREFIX)

    @property
    def imports(self) -> dict[ImportKey, dict[str, str]]:
        return {keys.split_member(member): record for member, record in self.hashes(keys.IMPORT_PREFIX).items()}

    @property
    def deliveries(self) -> dict[str, dict[str, str]]:
        return self.hashes(keys.DELIVERY_PREFIX)

    def waiting(self) -> dict[ImportKey, set[str]]:
        """Return the open watches by import, according to their records."""
        found: dict[ImportKey, set[str]] = defaultdict(set)
        for watch_id, record in self.watches.items():
            if record["state"] == "watching":
                found[record["workspace"], record["import_id"]].add(watch_id)
        return dict(found)

    def lanes(self) -> dict[str, int]:
        """Return all lanes with pending deliveries, and the moment from which each may be claimed."""
        doubtful = (f"rb:lanes:doubtful:{client}" for client in self.index("rb:lanes:doubtful"))
        return {lane: at for queue in ("rb:lanes", *doubtful) for lane, at in self.index(queue).items()}

    def pending(self) -> dict[str, set[str]]:
        """Return the pending deliveries by lane, according to their records.

        Held ones, and those that a digest tells, are in none.
        """
        found: dict[str, set[str]] = defaultdict(set)
        for delivery_id, record in self.deliveries.items():
            if record["state"] == "pending" and "held" not in record and not record.get("gathered"):
                found[record["lane"]].add(delivery_id)
        return dict(found)


async def take_snapshot(store: Store) -> Snapshot:
    rows = await store.call("EVAL", _TAKE, 0)
    return Snapshot(
        held={key: _unpacked(kind, held) for key, kind, _, held in rows},
        expiring=frozenset(key for key, _, ttl, _ in rows if ttl >= 0),
    )


def _unpacked(kind: str, held: Any) -> Any:
    """Return the contents of a key; an encrypted reading is replaced, because its text varies."""
    match kind:
        case "hash":
            record = dict(zip(held[::2], held[1::2], strict=True))
            return record | {"reading": "encrypted"} if "reading" in record else record
        case "zset":
            return {member: int(score) for member, score in zip(held[::2], held[1::2], strict=True)}
        case "set":
            return set(held)
        case _:
            return held


def assert_sound(snapshot: Snapshot) -> None:
    """Check that every index matches the records, that nothing expires, and that no key is left over."""
    parts = (_watches, _imports, _proofs, _living, _deliveries)
    accounted = _PERMANENT.union(*(part(snapshot) for part in parts))
    passing = {key for key in snapshot.held if key.endswith(_PASSING) or key.startswith(_PASSING_PREFIXES)}
    assert set(snapshot.held) <= accounted | passing, set(snapshot.held) - accounted - passing
    notes = {key for key in snapshot.held if key.startswith(keys.NOTES_PREFIX)}
    over = {keys.LIVING_PREFIX + member for member, record in _living_records(snapshot) if record["watches"] == "0"}
    assert snapshot.expiring <= passing | notes | over, "a record has an expiry"


async def assert_store_sound(store: Store) -> None:
    """Check the store while an API and a worker use it as well."""
    snapshot = await take_snapshot(store)
    others = {key for key in snapshot.held if key.startswith(ACCOUNTED_ELSEWHERE)}
    held = {key: value for key, value in snapshot.held.items() if key not in others}
    assert_sound(Snapshot(held=held, expiring=snapshot.expiring - others))


def _watches(snapshot: Snapshot) -> Iterator[str]:
    """Check the watches; yield their keys."""
    watches = snapshot.watches
    watching = {watch_id for watch_id, record in watches.items() if record["state"] == "watching"}
    ended = {watch_id for watch_id in set(watches) - watching if int(watches[watch_id]["pending"]) == 0}
    notices = {  # and digests
        delivery_id
        for delivery_id, record in snapshot.deliveries.items()
        if not record["watch"] and record["state"] != "pending"
    }
    assert snapshot.index(keys.EXPIRING).keys() == watching, "the index of expiries doesn't match the open watches"
    assert snapshot.index(keys.ENDED).keys() == ended | notices
    assert snapshot.index(keys.NUDGES_DUE).keys() <= watching, "a watch that has ended is checked"
    assert snapshot.index(keys.END_BUTTONS).keys() <= watches.keys(), "the buttons of a deleted watch are looked at"
    listed: dict[str, set[str]] = defaultdict(set)
    for watch_id, record in watches.items():
        ending = record.get("outcome") or record["state"]
        listed[keys.watches_in(ending)].add(watch_id)
        listed[keys.watches_in(ending, record["client"])].add(watch_id)
        listed[keys.watches_about(record["import_id"])].add(watch_id)
        if "label" in record:
            listed[keys.watches_labelled(record["label"])].add(watch_id)
    yield from _listed(snapshot, listed)
    yield from (keys.EXPIRING, keys.ENDED, keys.NUDGES_DUE, keys.END_BUTTONS)
    yield from map(keys.watch, watches)


def _listed(snapshot: Snapshot, listed: Mapping[str, set[str]]) -> Iterator[str]:
    """Check that the given lists contain the given ids; yield their keys."""
    for key, ids in listed.items():
        assert snapshot.index(key).keys() == ids
        yield key


def _imports(snapshot: Snapshot) -> Iterator[str]:
    """Check that the import of each open watch is polled, or final and waiting for settling; yield the keys."""
    imports, waiting = snapshot.imports, snapshot.waiting()
    polling = {place for place, record in imports.items() if record["state"] == "open"}
    final = imports.keys() - polling
    assert waiting.keys() <= imports.keys(), "an open watch whose import is unknown"
    assert polling <= waiting.keys(), "an import without an open watch is polled"
    assert {keys.split_member(member) for member in snapshot.index(keys.FINAL)} == final
    settling = {keys.split_member(member) for member in snapshot.index(keys.SETTLING)}
    assert settling == final & waiting.keys(), "the index of settling doesn't match the final imports with open watches"
    yield from (keys.FINAL, keys.SETTLING)
    for place, watch_ids in waiting.items():
        assert snapshot.held[keys.waiting(*place)] == watch_ids
        yield keys.waiting(*place)
    for workspace in ("default", "eu"):
        due = {import_id for at, import_id in polling if at == workspace}
        assert snapshot.index(keys.imports_due(workspace)).keys() == due, (
            "the index of due imports doesn't match the open imports"
        )
        yield from (keys.imports_due(workspace), keys.imports_leased(workspace), keys.budget(workspace))
    yield from (keys.import_(*place) for place in imports)
    yield from (keys.notes(*place) for place in imports)  # no note may be left without its import


def _proofs(snapshot: Snapshot) -> Iterator[str]:
    """Check what pushes have proven, and the polls that are put off by it; yield the keys."""
    for workspace in ("default", "eu"):
        awaited, types = keys.pushes_awaited(workspace), keys.push_types_awaited(workspace)
        assert snapshot.index(awaited).keys() == snapshot.held.get(types, {}).keys()
        yield from (awaited, types, keys.push_proof(workspace), keys.push_counts(workspace), keys.pauses(workspace))
        proofs = load_proofs(snapshot.held.get(keys.push_proof(workspace), {}))
        due = snapshot.index(keys.imports_due(workspace))
        prefix = keys.imports_stretched_prefix(workspace)
        for key in filter(lambda key: key.startswith(prefix), snapshot.held):
            assert proofs[key.removeprefix(prefix)].streak >= STRETCHES[-1].streak, "a poll is put off after a miss"
            assert snapshot.index(key).keys() <= due.keys()
            yield key


def _living_records(snapshot: Snapshot) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the living messages, by receiver and import."""
    yield from (each for each in snapshot.hashes(keys.LIVING_PREFIX).items() if "phase" in each[1])


def _living(snapshot: Snapshot) -> Iterator[str]:
    """Check that each living message counts its open watches and is in the right queue; yield the keys."""
    sharing = Counter(
        f"{receiver}:{keys.member(record['workspace'], record['import_id'])}"
        for record in snapshot.watches.values()
        for receiver in record.get("living", "").split()
        if record["state"] == "watching"
    )
    queues: dict[str, set[str]] = {queue.value: set() for queue in LivingQueue}
    for member, record in _living_records(snapshot):
        yield keys.LIVING_PREFIX + member
        watches, phase = int(record["watches"]), record["phase"]
        assert watches == sharing[member], "a living message that counts other watches than there are"
        if phase in {"waiting", "posting"}:
            queues[LivingQueue.WAITING].add(member)
        elif not watches and keys.LIVING_PREFIX + member not in snapshot.expiring:
            queues[LivingQueue.ENDING].add(member)
        elif watches and phase == "shown":
            queues[LivingQueue.SHOWN].add(member)
    for queue, members in queues.items():
        assert snapshot.index(queue).keys() == members, f"{queue} does not match the living messages"
        yield queue


def _deliveries(snapshot: Snapshot) -> Iterator[str]:
    """Check that each delivery belongs to a watch, and each pending one is in its lane; yield the keys."""
    deliveries, pending, watches = snapshot.deliveries, snapshot.pending(), snapshot.watches
    of_watches = {delivery_id for record in watches.values() for delivery_id in record.get("deliveries", "").split()}
    assert of_watches == {delivery_id for delivery_id, record in deliveries.items() if record["watch"]}
    for watch_id, record in watches.items():
        if record["state"] != "watching":
            of_watch = [deliveries[delivery_id] for delivery_id in record["deliveries"].split()]
            assert all(delivery["watch"] == watch_id for delivery in of_watch)
            assert int(record["pending"]) == sum(delivery["state"] == "pending" for delivery in of_watch)
    queues = {"": "rb:lanes"} | {
        client: f"rb:lanes:doubtful:{client}" for client in snapshot.index("rb:lanes:doubtful")
    }
    assert all(snapshot.index(queue) for client, queue in queues.items() if client), "a client without doubtful lanes"
    queued = [lane for queue in queues.values() for lane in snapshot.index(queue)]
    assert sorted(queued) == sorted(pending), "the queues don't match the lanes with pending deliveries"
    yield from ("rb:lanes:doubtful", *queues.values())
    for lane, delivery_ids in pending.items():
        key = f"rb:lane:{lane}"
        leased = snapshot.index(f"{key}:leased")
        assert snapshot.index(key).keys() == delivery_ids
        assert leased.keys() <= delivery_ids
        paced = int(snapshot.held.get(f"{key}:paced", "0").split()[0])
        latest = max(min(snapshot.index(key).values()), paced, *leased.values())
        owner = snapshot.held[f"{key}:queue"]
        assert snapshot.index(queues[owner])[lane] <= latest, "a lane is due later than its deliveries"
        yield from (key, f"{key}:leased", f"{key}:queue")
    held = {id_ for id_, record in deliveries.items() if record["state"] == "pending" and "held" in record}
    assert snapshot.index(keys.HELD).keys() == held, "the index of held deliveries doesn't match the records"
    yield keys.HELD
    yield from _digests(snapshot)
    for key in filter(lambda key: key.startswith(SKIPPED_FOR), snapshot.held):
        assert deliveries[key.removeprefix(SKIPPED_FOR)]["state"] == "pending"
        yield key
    abandoned = {
        id_
        for id_, record in deliveries.items()
        if record["state"] == "abandoned" and record["client"] != OPERATOR and not record.get("digest")
    }
    assert snapshot.index(keys.UNREPORTED).keys() == abandoned, (
        "the index of unreported deliveries doesn't match the abandoned ones"
    )
    yield keys.UNREPORTED
    listed: dict[str, set[str]] = defaultdict(set)
    for delivery_id, record in deliveries.items():
        listed[keys.deliveries_in(record["state"])].add(delivery_id)
        listed[keys.deliveries_in(record["state"], record["client"])].add(delivery_id)
        yield keys.delivery(delivery_id)
        if int(record["attempts"]):
            assert len(snapshot.held[keys.attempts(delivery_id)]) == min(50, int(record["attempts"]))
            yield keys.attempts(delivery_id)
    yield from _listed(snapshot, listed)


def _digests(snapshot: Snapshot) -> Iterator[str]:
    """Check that each delivery that waits for a digest is in exactly one; yield the keys."""
    deliveries = snapshot.deliveries
    gathering = {name: set(ids) for name, ids in snapshot.hashes("rb:digest:").items()}
    parts = {digest: set(ids) for digest, ids in snapshot.hashes("rb:parts:").items()}
    assert snapshot.index(keys.DIGESTS_DUE).keys() == gathering.keys(), "a digest that never becomes due"
    unfinished = {member.split(" ")[0] for member in snapshot.index(keys.DIGESTS_CLOSED)}
    told = {id_ for id_, record in deliveries.items() if "parts" in record}
    assert parts.keys() == unfinished | told, (parts, unfinished, told, deliveries)
    waiting = [id_ for ids in gathering.values() for id_ in ids]
    waiting += [id_ for ids in parts.values() for id_ in ids if deliveries[id_]["state"] == "pending"]
    gathered = [id_ for id_, record in deliveries.items() if record["state"] == "pending" and record.get("gathered")]
    assert sorted(waiting) == sorted(gathered)
    yield from (keys.DIGESTS_DUE, keys.DIGESTS_CLOSED, keys.DIGESTS_ENDING)
    yield from _summaries(snapshot)
    yield from map(keys.digest, gathering)
    yield from map(keys.parts, parts)


def _summaries(snapshot: Snapshot) -> Iterator[str]:
    """Check that each summary becomes due or is being written; yield the keys."""
    assert snapshot.index(keys.SUMMARIES_DUE).keys() == snapshot.hashes("rb:missed:").keys()
    closed = {member.split(" ")[0] for member in snapshot.index(keys.SUMMARIES_CLOSED)}
    assert snapshot.hashes("rb:summary:").keys() == closed
    yield from (keys.SUMMARIES_DUE, keys.SUMMARIES_CLOSED, keys.MISSED_TOLD)
    yield from map(keys.missed, snapshot.hashes("rb:missed:"))
    yield from map(keys.summary, closed)

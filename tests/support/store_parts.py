"""The parts of the store on one Redis, for tests of single steps."""

from dataclasses import replace
from typing import Any

from cryptography.fernet import Fernet

from bridge.domain.conclusions import Conclusion
from bridge.domain.delivery.deliveries import Delivery
from bridge.domain.destinations import Callback, SlackWebhook
from bridge.domain.imports import FailedRecord, Reading
from bridge.domain.outcomes import Outcome
from bridge.domain.polling.budget import Grant
from bridge.domain.polling.poll_results import ImportUpdate, PollClaim
from bridge.domain.secret import Secret
from bridge.domain.times import HOUR, MINUTE, SECOND
from bridge.domain.watches import Watch
from bridge.store.calls.connection import Store
from bridge.store.deliveries.attempts import Attempts
from bridge.store.deliveries.deliveries import Deliveries
from bridge.store.encryption import Encryptor, Fingerprinter
from bridge.store.imports.budgets import Budgets
from bridge.store.imports.imports import Imports, PollCommit
from bridge.store.imports.record_sets import RecordSets
from bridge.store.pushes.push_proofs import PushProofs
from bridge.store.pushes.pushes import Pushes
from bridge.store.slack.living_messages import LivingMessages
from bridge.store.watches.acceptance_call import Acceptance, AcceptedWatch, NewWatch
from bridge.store.watches.endings import Endings, Settlement
from bridge.store.watches.watches import Watches

LEASE = 15 * SECOND
CALLBACK = Callback(url=Secret("https://crm.example.com/hook?token=hush"), headers={"X-Key": Secret("hush")})
SLACK = SlackWebhook(url=Secret("https://hooks.slack.com/services/T/B/hush"), on=frozenset({Outcome.FAILED}))
DONE = Reading(
    import_id="imp",
    type="CSV",
    status="COMPLETED",
    person_count=7,
    failed_records=(FailedRecord(email="jane@example.com"),),
    failed_record_count=1,
)


class StoreParts:
    """The parts of the store on one Redis, and short forms of their calls."""

    def __init__(self, store: Store) -> None:
        encryptor = Encryptor([Secret(Fernet.generate_key().decode())])
        self.store = store
        fingerprinter = Fingerprinter()
        fingerprinter.set_key("the key of the tests")
        self.watches = Watches(store, encryptor, fingerprinter)
        self.imports = Imports(store, encryptor)
        self.endings = Endings(store, encryptor)
        self.deliveries = Deliveries(store, encryptor)
        self.pushes = Pushes(store)
        self.push_proofs = PushProofs(store)
        self.attempts = Attempts(store, encryptor)
        self.living = LivingMessages(store, encryptor)
        self.budgets = Budgets(store)
        self.record_sets = RecordSets(store, encryptor)

    async def accept(self, watch_id: str = "wat_1", **changes: Any) -> tuple[Watch, Acceptance]:
        new = new_watch(id=watch_id, **changes)
        accepted = await self.watches.accept(new, grace=10 * MINUTE, reuse=5 * MINUTE)
        assert isinstance(accepted, AcceptedWatch)
        return accepted.watch, accepted.acceptance

    async def claim(self, room: int = 10) -> list[PollClaim]:
        snapshot = await self.budgets.read("default")
        grant = Grant(count=100, again_at=0)
        claims = await self.imports.claim(
            "default", snapshot.budget, grant, room=room, lease=LEASE, now=snapshot.now, push_expected=True
        )
        assert claims is not None
        return claims

    async def commit(self, claim: PollClaim, update: ImportUpdate) -> bool:
        now = await self.store.now()
        commits = [PollCommit(claim=claim, update=update, at=now)]
        (committed,) = await self.imports.commit("default", commits, settle_by=now + 10 * SECOND, push_expected=True)
        return committed

    async def settle(self, watch: Watch, *deliveries: Delivery) -> bool:
        ended = watch if watch.reading is not None else replace(watch, reading=DONE)
        now = await self.store.now()
        settlement = Settlement(watch=ended, conclusion=Conclusion(Outcome.FAILED), deliveries=deliveries, at=now)
        return await self.endings.settle(settlement)

    async def keys(self) -> set[str]:
        return set(await self.store.call("KEYS", "rb:*"))


def new_watch(**changes: Any) -> NewWatch:
    fields: dict[str, Any] = {
        "id": "wat_1",
        "client": "crm",
        "workspace": "default",
        "import_id": "imp",
        "notify": (CALLBACK, SLACK),
        "label": "Q4",
        "metadata": {"ticket": "RES-12"},
        "expires_in": HOUR,
    }
    return NewWatch(**{**fields, **changes})


def a_delivery(watch: Watch, number: int = 0) -> Delivery:
    return Delivery(
        id=f"dlv_{number}",
        watch_id=watch.id,
        client=watch.client,
        notification_id="ntf_1",
        destination=CALLBACK,
        lane="callback:x",
        body='{"type":"import.failed"}',
        queued_at=0,
    )

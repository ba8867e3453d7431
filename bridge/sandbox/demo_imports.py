"""Scripted imports: the state of an import as a pure function of its story and its age."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Kind = Literal["API", "ACTIVITIES", "CSV"]
Records = tuple[Mapping[str, str], ...]
FINAL = {"COMPLETED", "ERROR"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A scripted import: its start in Unix seconds, and (status, seconds after the start) in order."""

    import_id: str
    type: Kind
    began: float
    statuses: tuple[tuple[str, float], ...]
    people: int
    failed_records: Records | None

    @property
    def end(self) -> float | None:
        """The Unix seconds at which the import ends, if it does."""
        status, after = self.statuses[-1] if self.statuses else ("NOT_STARTED", 0.0)
        return self.began + after if status in FINAL else None

    def as_json(self, now: float) -> dict[str, Any]:
        """Return the import as Rally's API shows it at `now`; the number of people grows during the upload.

        Source: https://docs.rallyuxr.com/api-reference/imports/gets-an-import-by-id
        """
        age = now - self.began
        passed = [(status, after) for status, after in self.statuses if after <= age]
        status, since = passed[-1] if passed else ("NOT_STARTED", 0.0)
        ended = status in FINAL
        return {
            "importId": self.import_id,
            "type": self.type,
            "status": status,
            "personCount": self._imported(status, age),
            "failedRecords": ([] if self.failed_records is not None else None)
            if not ended or self.failed_records is None
            else [dict(record) for record in self.failed_records],
            "updatedAt": datetime.fromtimestamp(self.began + since, UTC).isoformat(timespec="seconds"),
        }

    def _imported(self, status: str, age: float) -> int:
        if status == "NOT_STARTED":
            return 0
        if status == "COMPLETED":
            return self.people
        starts = [after for name, after in self.statuses if name != "NOT_STARTED"]
        start, end = (starts[0], starts[-1]) if starts else (0.0, 0.0)
        return (
            self.people if end <= start else int(self.people * min(1.0, max(0.0, (age - start) / (end - start))) * 0.9)
        )


def generate_failed_records(number: int) -> Records:
    """Generate failed records: some with an e-mail, some with a person id, some with both."""
    records: list[Mapping[str, str]] = []
    for n in range(number):
        email, person = {"email": f"participant{n}@example.com"}, {"personId": f"cm1person{n:05}"}
        records.append([email, person, email | person][n % 3])
    return tuple(records)


DEMO_SECONDS = 8.0
SLOW_SECONDS = 60.0
LONG_SECONDS = 180.0
UPLOAD_SECONDS = 4.0


EXAMPLE = "cm1uwhduy001vle4gr4soyqkq"
"""The import in the examples of the bridge's documentation."""


def demo(import_id: str, now: float) -> Story | None:
    """Return a new story for a demo id: `demo-completed-1`, `demo-partial-1`, `demo-failed-1`, or the example's.

    These are imports by the API: a tool starts one, gets its id, and posts a watch.
    """
    if not import_id.startswith("demo-") and import_id != EXAMPLE:
        return None
    ending = "completed" if import_id == EXAMPLE else import_id.split("-")[1]
    seconds = SLOW_SECONDS if ending == "slow" else DEMO_SECONDS
    end = "ERROR" if ending == "failed" else "COMPLETED"
    if ending == "long":
        records = generate_failed_records(7)
        return start_story(import_id, "API", now, people=2_400, seconds=LONG_SECONDS, failed_records=records)
    if ending == "partial":
        return start_story(import_id, "API", now, people=117, failed_records=generate_failed_records(3))
    return start_story(import_id, "API", now, people=120, end=end, seconds=seconds)


def start_story(
    import_id: str,
    kind: Kind,
    now: float,
    *,
    people: int,
    end: str = "COMPLETED",
    seconds: float = DEMO_SECONDS,
    failed_records: Records | None = None,
) -> Story:
    """Return a new story with the usual statuses."""
    statuses = (("NOT_STARTED", 0.0), ("UPLOADING", 2.0), (end, seconds))
    return Story(
        import_id=import_id, type=kind, began=now, statuses=statuses, people=people, failed_records=failed_records
    )


def uploaded(import_id: str, now: float) -> Story:
    """Return a new story for a CSV file that a person uploads in Rally's UI; no tool gets the id of such an import."""
    records = generate_failed_records(3)
    return start_story(import_id, "CSV", now, people=245, seconds=UPLOAD_SECONDS, failed_records=records)

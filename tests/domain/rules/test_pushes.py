"""What a push says: only what is beyond doubt counts as success."""

import pytest

from bridge.domain.rules.pushes import CSV_FINISHED, Push


def push(status: str | None, failed: int | None, import_id: str = "imp") -> Push:
    return Push(
        message_id="msg_1",
        event=CSV_FINISHED,
        workspace="default",
        import_id=import_id,
        status=status,
        failed_record_count=failed,
        updated_at=None,
    )


@pytest.mark.parametrize(
    ("status", "failed", "problem", "success"),
    [
        ("COMPLETED", 0, False, True),
        ("COMPLETED", 1, True, False),
        ("COMPLETED", None, False, False),
        ("ERROR", 0, True, False),
        ("ERROR", None, True, False),
        ("UPLOADING", 0, False, False),
        ("UPLOADING", 2, True, False),
        (None, 0, False, False),
        (None, None, False, False),
    ],
)
def test_a_push_says_a_problem_a_success_or_neither(
    status: str | None, failed: int | None, *, problem: bool, success: bool
) -> None:
    assert (push(status, failed).says_problem, push(status, failed).says_success) == (problem, success)


def test_a_test_message_shows_by_its_import() -> None:
    assert push("COMPLETED", 2, "test_cm1uwhduy001vle4gr4soyqkq").is_test
    assert not push("COMPLETED", 2, "cm1uwhduy001vle4gr4soyqkq").is_test

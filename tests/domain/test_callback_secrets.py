"""The form of callback secrets."""

import pytest

from bridge.domain.callback_secrets import check_secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        (SECRET, None),
        ("whsec_" + "A" * 84 + "AA==", "24 to 64 bytes; this one has 64"),
        ("whsec_" + "A" * 88, "this one has 66"),
        ("whsec_AAAA", "this one has 3"),
        ("whsec_", "this one has 0"),
        ("WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "begins with whsec_"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "begins with whsec_"),
        ("", "begins with whsec_"),
        ("whsec_not base64 at all, is it? no", "base64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "base64"),
        ("whsec_ééééééééééééééééééééééééééééééééé", "base64"),
    ],
)
def test_the_error_for_an_invalid_secret_does_not_repeat_it(secret: str, problem: str | None) -> None:
    found = check_secret(secret)

    if problem is None or "has 64" in problem:
        assert found is None
    else:
        assert found is not None
        assert problem in found
        assert secret.removeprefix("whsec_") not in found or secret in {"", "whsec_"}

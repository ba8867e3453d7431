"""Callback secrets in the form of Standard Webhooks: `whsec_` and the base64 of 24 to 64 bytes.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from base64 import b64decode, b64encode

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""The shortest and the longest secret, in bytes."""
FORM = f"{PREFIX} and the base64 of {SHORTEST} to {LONGEST} bytes"


def encode_secret(raw: bytes) -> str:
    return PREFIX + b64encode(raw).decode("ascii")


def decode_secret(text: str) -> bytes:
    """Return the bytes of a secret; raise ValueError if they are not base64."""
    return b64decode(text.removeprefix(PREFIX), validate=True)


def check_secret(text: str) -> str | None:
    """Return why a text is not a secret, without repeating it; None if it is one."""
    if not text.startswith(PREFIX):
        return f"A callback secret begins with {PREFIX}"
    try:
        length = len(decode_secret(text))
    except ValueError:
        return f"A callback secret is base64 after {PREFIX}"
    if not SHORTEST <= length <= LONGEST:
        return f"A callback secret has {SHORTEST} to {LONGEST} bytes; this one has {length}"
    return None

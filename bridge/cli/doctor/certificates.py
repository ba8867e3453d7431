"""What Python 3.13 refuses about certificates: since then, OpenSSL's strict checks of RFC 5280 are on by default.

Private authorities often issue certificates without an Authority Key Identifier, which older versions accept.
Source: https://docs.python.org/3/whatsnew/3.13.html#ssl
"""

import re
from collections.abc import Iterator
from contextlib import suppress

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

STRICT_CHECKS = re.compile(
    r"(Authority|Subject) Key Identifier|key usage extension|Basic Constraints of CA cert|keyCertSign|pathlen"
)
"""What the messages of the strict checks contain."""
GUIDE = "/docs/operations#certificates-of-private-authorities"
REISSUE = (
    "Python 3.13, as in the image, refuses such a certificate. Have its authority issue it again with an Authority Key"
    f" Identifier, see {GUIDE}."
)


def remedy_for(reason: str) -> str | None:
    """Return the remedy if a handshake failed at a strict check; None if the reason is another."""
    return REISSUE if STRICT_CHECKS.search(reason) else None


def flaws_of(pem: bytes) -> list[str]:
    """Return what Python 3.13 refuses about the certificates of authorities in a PEM file, each once."""
    with suppress(ValueError):  # OpenSSL reads some that the library does not
        return list(dict.fromkeys(flaw for each in x509.load_pem_x509_certificates(pem) for flaw in _flaws(each)))
    return []


def _flaws(certificate: x509.Certificate) -> Iterator[str]:
    extensions = {each.oid: each for each in certificate.extensions}
    constraints = extensions.get(ExtensionOID.BASIC_CONSTRAINTS)
    if constraints is not None and constraints.value.ca:
        if not constraints.critical:
            yield "Basic Constraints that are not critical"
        if ExtensionOID.KEY_USAGE not in extensions:
            yield "no Key Usage"
        if ExtensionOID.SUBJECT_KEY_IDENTIFIER not in extensions:
            yield "no Subject Key Identifier"
    if certificate.issuer != certificate.subject and ExtensionOID.AUTHORITY_KEY_IDENTIFIER not in extensions:
        yield "no Authority Key Identifier"

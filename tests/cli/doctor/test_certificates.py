"""What Python 3.13 refuses about certificates is recognized by its messages, and in files of authorities."""

import re
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.cli.doctor import checks_external
from bridge.cli.doctor.certificates import REISSUE, flaws_of, remedy_for
from bridge.destinations.egress.client import Egress, EgressRules
from bridge.destinations.send_test import TestOutcome as Outcome  # pytest would collect a class named Test…
from bridge.domain.delivery.destination_requests import Failure, NoResponse, Request
from bridge.domain.delivery.verdicts import Deferred
from bridge.domain.imports import Unanswered
from bridge.domain.secret import Secret
from tests.support.receivers import OK, receiving, says

pytestmark = pytest.mark.anyio
GUIDE = Path(__file__).parents[3] / "bridge" / "docs" / "operations.md"
FLAWED = {
    "authorityKeyIdentifier=none\n": "Missing Authority Key Identifier",
    "authorityKeyIdentifier=keyid\n": None,
}


def commands() -> Sequence[str]:
    """Return the commands of the guide, with a key that is made faster."""
    (found,) = re.findall(r"```sh\n(openssl req -x509.*?)```", GUIDE.read_text(), re.DOTALL)
    fast = found.replace("rsa:3072", "ec -pkeyopt ec_paramgen_curve:P-256").replace("crm.internal", "localhost")
    return [line for line in fast.replace("\\\n", "").splitlines() if line]


def run_guide(folder: Path, identifier: str) -> None:
    for command in commands():
        changed = command.replace("authorityKeyIdentifier=keyid\\n", identifier.replace("\n", "\\n"))
        subprocess.run(["/bin/sh", "-c", changed], cwd=folder, check=True, capture_output=True, timeout=20)


def strict(ca: Path) -> ssl.SSLContext:
    """Return the context that Python 3.13 creates by default."""
    context = ssl.create_default_context(cafile=ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


@pytest.fixture(params=[*FLAWED.items()], ids=["without", "with"])
def certificates(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str | None]:
    identifier, message = request.param
    run_guide(tmp_path, identifier)
    return tmp_path, message


async def test_the_commands_of_the_guide_make_a_certificate_that_is_accepted_and_the_reason_of_others_is_known(
    certificates: tuple[Path, str | None],
) -> None:
    folder, message = certificates
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    rules = EgressRules.parse(("127.0.0.1", "localhost"))
    async with receiving(says(OK), server) as receiver:
        egress = Egress(rules, slots=1, trust=lambda: strict(folder / "ca.pem"))
        answer = await egress.send(Request(url=Secret(f"https://localhost:{receiver.port}/"), headers={}, body=b"{}"))
        await egress.aclose()

    assert flaws_of((folder / "ca.pem").read_bytes()) == []
    if message is None:
        assert not isinstance(answer, NoResponse)
        return
    assert isinstance(answer, NoResponse)
    assert (answer.failure, answer.reason) == (Failure.TLS, f"TLS failed: {message}")
    assert checks_external.check_destination("x", "https://h/…", answer, "destinations.x").remedy == REISSUE


@pytest.mark.parametrize(
    ("message", "known"),
    [
        ("Missing Authority Key Identifier", True),
        ("Missing Subject Key Identifier", True),
        ("CA cert does not include key usage extension", True),
        ("Basic Constraints of CA cert not marked critical", True),
        ("self-signed certificate", False),
        ("certificate has expired", False),
        ("Hostname mismatch, certificate is not valid for 'x'.", False),
    ],
)
def test_only_the_messages_of_strict_checks_have_this_remedy(message: str, *, known: bool) -> None:
    reason = f"TLS failed: {message}"
    rally = checks_external.check_rally("default", "https://r", Unanswered(reason), key="k", url="u")
    outcome = Outcome(verdict=Deferred(reason), status=None, took=1)
    tested = checks_external.check_test_message("x", "https://h/…", outcome, "crm", "destinations.x")

    assert remedy_for(reason) == (REISSUE if known else None)
    assert [finding.remedy == REISSUE for finding in (rally, tested)] == [known, known]


def test_the_flaws_of_an_authority_are_named(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        "[req]\ndistinguished_name=dn\nx509_extensions=x\nprompt=no\n[dn]\nCN=CA\n[x]\nbasicConstraints=CA:TRUE\n"
        "subjectKeyIdentifier=none\n"
    )
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config config -keyout k -out c"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True, timeout=20)

    flaws = flaws_of((tmp_path / "c").read_bytes())
    finding = checks_external.check_authorities("c", [2], 1, flaws)

    assert flaws == ["Basic Constraints that are not critical", "no Key Usage", "no Subject Key Identifier"]
    assert (finding.state, "no Key Usage" in finding.detail) == ("warning", True)


def test_a_file_that_the_library_cannot_read_has_no_flaws() -> None:
    assert flaws_of(b"no certificate") == []

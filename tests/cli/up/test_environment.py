"""What `rally-bridge up` passes to its programs."""

from pathlib import Path

from bridge.cli.up.environment import UserSettings, of_sandbox
from bridge.cli.up.generated_secrets import FOR_THE_BRIDGE, FOR_THE_SANDBOX
from bridge.destinations.signatures import derived_secret
from tests.support.world import SERVICE_SECRET, settings


def test_the_sandbox_can_verify_the_callbacks_of_clients_and_rules(tmp_path: Path) -> None:
    rule = '[[rules]]\nname = "crm"\nnotify = [{type = "callback", url = "https://crm.example.com/"}]\n'
    generated = {name: generate() for name, generate in {**FOR_THE_BRIDGE, **FOR_THE_SANDBOX}.items()}
    known = settings("redis://", "http://s.invalid", rule)
    passed = of_sandbox(UserSettings.read(tmp_path), generated, known, "http://127.0.0.1:8080")

    secrets = passed["SANDBOX_CALLBACK_SECRETS"].split(",")
    assert {derived_secret(SERVICE_SECRET, name) for name in ("crm", "billing", "rule:crm")} <= set(secrets)

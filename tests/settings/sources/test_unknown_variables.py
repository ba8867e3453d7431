"""Misspelt variables are refused; those of Kubernetes and of other programs are not."""

import pytest

from bridge.errors import SettingsError
from bridge.settings import load_settings
from bridge.settings.loading import draft_settings
from tests.settings.test_model import GOOD
from tests.support.samples import only


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("POLL_CIELING", "POLL_CEILING"),
        ("REDIS_URI", "REDIS_URL"),
        ("RALY_API_KEY", "RALLY_API_KEY"),
        ("RALLY_API_KEY_FIL", "RALLY_API_KEY_FILE"),
        ("CALLBACK_SECRET", "CALLBACK_SECRETS"),
        ("egress_alow", "EGRESS_ALLOW"),
    ],
)
def test_a_variable_within_two_edits_of_ours_is_refused(name: str, meant: str) -> None:
    with pytest.raises(SettingsError) as told:
        load_settings({**GOOD, name: "hunter2"}, env_file=None)

    assert only(list(told.value.problems)) == f"{name}: is not a setting; did you mean {meant}?"


KUBERNETES = {
    "REDIS_PORT": "tcp://10.0.0.1:6379",
    "REDIS_SERVICE_HOST": "10.0.0.1",
    "REDIS_SERVICE_PORT": "6379",
    "REDIS_PORT_6379_TCP_ADDR": "10.0.0.1",
    "REDIS_URI_PORT": "tcp://10.0.0.1:1",
    "RALLY_PORT": "tcp://10.0.0.1:1",
    "RALLY_BRIDGE_PORT": "tcp://10.0.0.1:8080",
    "RALLY_BRIDGE_SERVICE_HOST": "10.0.0.1",
    "EGRESS_PORT": "tcp://10.0.0.1:1",
}


def test_what_kubernetes_injects_is_neither_refused_nor_warned_about() -> None:
    draft = draft_settings({**GOOD, **KUBERNETES}, env_file=None)

    assert (draft.problems, draft.warnings) == ((), ())


def test_a_variable_that_only_begins_like_ours_is_a_warning() -> None:
    draft = draft_settings({**GOOD, "RALLY_TOKEN": "hunter2", "SANDBOX_PUBLISH": "x", "PATH": "/"}, env_file=None)

    assert (draft.problems, draft.warnings) == ((), ("RALLY_TOKEN: is not a setting",))

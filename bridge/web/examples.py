"""Examples of what is asked: the description shows them, and the tests send them."""

from collections.abc import Mapping
from typing import Any

WATCH: Mapping[str, Any] = {
    "importId": "cm1uwhduy001vle4gr4soyqkq",
    "label": "Q4 panel upload",
    "metadata": {"ticket": "RES-12"},
    "expiresIn": 86400,
    "notify": [
        {
            "type": "slack_webhook",
            "url": "https://hooks.slack.com/services/T000/B000/XXXX",
            "on": ["failed", "completed_with_failures"],
        },
        {"type": "callback", "url": "https://crm.example.com/hooks/rally", "headers": {"X-Source": "rally-bridge"}},
    ],
}
BATCH: Mapping[str, Any] = {
    "watches": [{"importId": "cm1uwhduy001vle4gr4soyqkq"}, {"importId": "cm1uwhduy001vle4gr4soyqkr"}]
}
REDELIVER: Mapping[str, Any] = {"state": "abandoned", "since": "2026-11-24T09:30:00Z"}
TEST: Mapping[str, Any] = {"destination": {"type": "callback", "url": "https://crm.example.com/hooks/rally"}}

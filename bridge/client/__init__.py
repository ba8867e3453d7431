"""A small client for scripts: watch an import, wait until it ends, verify a callback.

from bridge.client import Bridge
bridge = Bridge()  # RALLY_BRIDGE_URL, RALLY_BRIDGE_KEY
watch = bridge.wait(bridge.watch("cm1uwhduy001vle4gr4soyqkq"))
print(watch.outcome)
"""

from bridge.client.api import Bridge
from bridge.client.callbacks import NotVerified, verify_callback
from bridge.client.errors import CallFailed
from bridge.client.watch import Watch

__all__ = ["Bridge", "CallFailed", "NotVerified", "Watch", "verify_callback"]

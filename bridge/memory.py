"""Memory use of a process: the libraries that it does not import, and garbage collection after its start."""

import ctypes
import gc
import sys

_OF_TOKENS = ("cryptography.hazmat.primitives.asymmetric.ec", "cryptography.x509")
"""What PyJWT imports for signatures of tokens; redis-py imports PyJWT for logins with tokens, which we don't use."""
UNUSED = ("greenlet", "pygments", "rich", "watchfiles", *_OF_TOKENS)
"""Modules that are not imported: structlog, httpx, uvicorn and PyJWT use them only for what a service never needs."""
YOUNG_OBJECTS = 5_000
"""The number of new objects after which the garbage collector searches for cycles among them. Requests and messages
leave almost none, and with Python's 700 the searches take 4 % of the CPU time."""


def block_unused_imports() -> None:
    """Make imports of these libraries fail as if they were not installed; saves some MB per process."""
    for name in UNUSED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type] # None makes an import fail, as documented by Python


def trim_after_startup() -> None:
    """Exclude the objects created so far from garbage collection, and return freed memory to the system."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only; some MB after many imports
    if trim is not None:
        trim(0)

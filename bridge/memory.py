"""Memory use of a process after its start."""

import ctypes
import gc


def trim_after_startup() -> None:
    """Exclude the objects created so far from garbage collection, and return freed memory to the system."""
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc only; some MB after many imports
    if trim is not None:
        trim(0)

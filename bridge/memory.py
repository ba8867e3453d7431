"""Memory: what a process does about it once it has started."""

import ctypes
import gc


def settle() -> None:
    """Keep what the start has made out of every later garbage collection, and give back what it used in between."""
    gc.collect()
    gc.freeze()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's; some MB after hundreds of modules
    if trim is not None:
        trim(0)

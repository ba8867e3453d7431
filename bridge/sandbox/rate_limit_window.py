"""A fixed window, as Rally's rate-limit headers describe it."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Window:
    """At most `limit` requests in each window of `seconds`, aligned to the Unix epoch."""

    limit: int
    seconds: int
    taken: Counter[int] = field(default_factory=Counter)
    """The number of accepted requests, by the end of their window (Unix seconds)."""

    def take(self, now: float) -> bool:
        """Count a request; return False if the window is used up."""
        end = self.end(now)
        if self.taken[end] >= self.limit:
            return False
        self.taken[end] += 1
        return True

    def end(self, now: float) -> int:
        return (int(now) // self.seconds + 1) * self.seconds

    def headers(self, now: float) -> dict[str, str]:
        end = self.end(now)
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - self.taken[end])),
            "X-RateLimit-Reset": str(end),
        }

    def retry_after(self, now: float) -> int:
        """Return the whole seconds until the window ends."""
        return max(1, -int(-(self.end(now) - now) // 1))

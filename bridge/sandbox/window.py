"""A real fixed window, as the rate-limit headers describe one."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Window:
    """At most `limit` requests in each window of `seconds`, the windows counted from 1970."""

    limit: int
    seconds: int
    taken: Counter[int] = field(default_factory=Counter)
    """Requests let through, by the end of their window (Unix seconds)."""

    def take(self, now: float) -> bool:
        """Count a request; False when the window is used up."""
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
        """Give the whole seconds until the window has ended."""
        return max(1, -int(-(self.end(now) - now) // 1))

"""The messages in channels, as they are now, and those that only one person sees."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

KEPT = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A message. A reply has a `thread`, the `ts` of its parent; with `broadcast` the channel shows it, too."""

    channel: str
    """The id of a channel, or the URL of an incoming webhook without its token."""
    ts: str
    at: float
    author: str
    text: str = ""
    formatted: bool = True
    blocks: Sequence[Mapping[str, Any]] = ()
    thread: str | None = None
    broadcast: bool = False
    only_for: str | None = None
    """The person who alone sees it."""
    file: str | None = None
    edits: int = 0
    edited_at: float | None = None

    @property
    def is_reply(self) -> bool:
        return self.thread is not None


class Posts:
    """All messages, by channel and `ts`. The oldest are forgotten."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._posts: dict[tuple[str, str], Post] = {}
        self._last = 0

    def add(self, channel: str, author: str, **fields: Any) -> Post:
        """Post a message with a new `ts`."""
        now = self._now()
        post = Post(channel=channel, ts=self._next_ts(now), at=now, author=author, **fields)
        self._posts[channel, post.ts] = post
        if len(self._posts) > KEPT:
            self._posts.pop(next(iter(self._posts)))
        return post

    def get(self, channel: object, ts: object) -> Post | None:
        return self._posts.get((channel, ts)) if isinstance(channel, str) and isinstance(ts, str) else None

    def edit(self, post: Post, **fields: Any) -> Post:
        edited = replace(post, edits=post.edits + 1, edited_at=self._now(), **fields)
        self._posts[post.channel, post.ts] = edited
        return edited

    def remove(self, post: Post) -> None:
        self._posts.pop((post.channel, post.ts), None)

    def replies(self, post: Post) -> list[Post]:
        return [each for each in self if each.channel == post.channel and each.thread == post.ts]

    def clear(self) -> None:
        self._posts.clear()

    def __iter__(self) -> Iterator[Post]:
        return iter(list(self._posts.values()))

    def _next_ts(self, now: float) -> str:
        """Return a `ts`, which is unique: seconds, and microseconds in six digits."""
        self._last = max(int(now * 1_000_000), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06}"

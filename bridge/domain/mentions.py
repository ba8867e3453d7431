"""Mentions: the Slack users that a message mentions, by their ids, and the outcomes for which it does."""

from dataclasses import dataclass

from bridge.domain.outcomes import Outcome
from bridge.domain.subscriptions import GROUPS, Subscription

USER_ID = r"^[UW][A-Z0-9]{2,30}$"
"""The id of a Slack user. Names mention nobody."""
MOST_USERS = 10
"""The number of users that a destination or a rule can mention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Whom a Slack message mentions: the ids of users, and the outcomes for which they are mentioned."""

    users: tuple[str, ...]
    on: Subscription = GROUPS["problems"]

    def users_for(self, outcome: Outcome) -> tuple[str, ...]:
        """Return the users to mention in the message about an outcome."""
        return () if self.on is not None and outcome not in self.on else self.users

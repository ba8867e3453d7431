"""Floods: more messages of rules than a Slack destination should get one by one."""

from bridge.domain.times import MINUTE, Span

SINGLE_MESSAGES = 5
"""The number of single messages of rules that a Slack destination gets within FLOOD_WINDOW; a digest has the others."""
FLOOD_WINDOW: Span = 10 * MINUTE
FLOOD_DIGEST_AFTER: Span = 15 * MINUTE
"""How long after its first import a digest of the flood guard is sent."""

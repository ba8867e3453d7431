"""Slack: the message, and the two ways to post it: the operator's bot and incoming webhooks."""

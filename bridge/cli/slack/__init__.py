"""`slack manifest`: the description of the Slack app."""

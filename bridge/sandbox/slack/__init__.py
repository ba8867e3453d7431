"""The simulated Slack: a workspace with channels and people, Slack's API, and requests to the bridge.

Written from Slack's documentation at https://docs.slack.dev.
"""

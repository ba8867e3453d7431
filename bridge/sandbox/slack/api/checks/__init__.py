"""Block Kit's rules and limits, checked as Slack checks them.

Source: https://docs.slack.dev/reference/block-kit
"""

"""Slack's API: its methods, response URLs and uploads."""

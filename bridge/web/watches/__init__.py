"""Watches and deliveries as the API, the Slack app and the console show them, and the steps that all three take."""

"""The sandbox: a simulated Rally, and an inbox for Slack messages and callbacks.

For demos, tests and compose. Written from the vendors' documentation; shares only the verifier of
signatures with the product.
"""

"""The sandbox: a simulated Rally, a simulated Slack, and an inbox for callbacks.

For demos, tests and compose. Written from the vendors' documentation; shares only the verifier of
signatures with the product.
"""

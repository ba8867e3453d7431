"""The counterpart: a stand-in for Rally, and an inbox for Slack messages and callbacks.

For trying out, for the tests and for compose; written from the vendors' contracts, sharing nothing with the product.
"""

"""Notices to the operator: when one is due, and its words."""

"""Imports: their readings and polls, the budget of a workspace, and failed records."""

"""What the inbox page shows of the simulated Slack, and the forms on it."""

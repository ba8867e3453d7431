"""What operators need: heartbeats, alarms, notices, figures, rate limits, and the health of Redis."""

"""Calls to Redis: commands, scripts, their grouping, replication, and the clock."""

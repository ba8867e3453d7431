"""Connections to Redis and the meaning of its errors, with every change of redis-py's behaviour.

The table "Changes of arq and redis-py" of the architecture guide lists these changes.
"""

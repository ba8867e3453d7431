"""The rules: standard library only, no clock, no I/O; time is an argument."""

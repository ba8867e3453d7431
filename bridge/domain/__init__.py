"""The business rules: pure functions and values. Standard library only, no clock, no I/O; time is an argument."""

"""The fault harness: real processes, random faults, and a checker that decides from the records alone."""

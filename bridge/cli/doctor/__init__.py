"""`doctor`: probes look, pure functions judge what they saw, and each finding is a line with a remedy."""

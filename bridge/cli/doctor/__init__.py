"""`doctor`: probes collect facts, pure checks turn them into findings, each a line with a remedy."""

"""The HTTP API: its endpoints, their schemas, and the pages of documentation."""

"""Living messages: one message in Slack that is edited while an import runs. Best effort, never a delivery."""

"""The Slack app: the requests that Slack sends when people use a command, a button or a shortcut."""

"""What the Slack app keeps: requests, wishes, channels, living messages and nudges."""

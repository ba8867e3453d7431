"""Failed records in Slack: a modal for the people who may read them, and the CSV by direct message."""

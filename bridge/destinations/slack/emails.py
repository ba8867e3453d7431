"""E-mail addresses as a Slack message shows them, masked unless SLACK_SHOW_EMAILS is set."""


def masked_email(email: str) -> str:
    """Mask an e-mail address so that it stays recognizable: `j…@example.com`."""
    local, at, domain = email.strip().rpartition("@")
    return f"{local[:1]}…@{domain}" if at else f"{email.strip()[:1]}…"

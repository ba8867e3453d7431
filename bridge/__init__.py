"""rally-bridge: tells Slack and HTTP callbacks how Rally UXR imports ended."""

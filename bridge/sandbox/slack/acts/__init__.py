"""What people do in the simulated Slack, and the requests that it sends to the bridge."""

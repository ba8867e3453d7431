"""What a process of the API does for operators: metrics of Redis, the state of the service, and its own notices."""

"""Reading of requests: body, query and headers within limits, validated with every problem reported."""

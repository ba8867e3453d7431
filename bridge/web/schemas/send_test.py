"""The body of a request for a test message."""

from bridge.web.schemas.body import Body
from bridge.web.schemas.destinations import ToDestination


class TestBody(Body):
    """The destination of a test message."""

    destination: ToDestination

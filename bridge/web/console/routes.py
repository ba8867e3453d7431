"""The routes of the console."""

from bridge.web.console import sign_in, static, watches
from bridge.web.routing import resource

CONSOLE_ROUTES = [
    resource("/console", GET=watches.home),
    resource("/console/sign-in", GET=sign_in.show, POST=sign_in.sign_in),
    resource("/console/sign-out", POST=sign_in.sign_out),
    resource("/console/static/console.css", GET=static.style),
    resource("/console/watches", GET=watches.show),
]
"""What people open in a browser; not in the OpenAPI document."""

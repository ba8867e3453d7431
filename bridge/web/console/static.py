"""The style sheet and the script of the console; their addresses change with their contents, so browsers keep them."""

from starlette.requests import Request
from starlette.responses import Response

from bridge.web.console.rendering import asset
from bridge.web.console.visits import shown_in_html

_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}


@shown_in_html
async def style(_: Request) -> Response:
    return Response(asset("console.css")[0], media_type="text/css", headers=_KEPT)


@shown_in_html
async def script(_: Request) -> Response:
    return Response(asset("console.js")[0], media_type="text/javascript", headers=_KEPT)

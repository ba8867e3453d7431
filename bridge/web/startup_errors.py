"""A plain start: what keeps the app from starting is told in sentences, where a server would log a traceback."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.errors import BridgeError


class StartupErrors:
    """An app that keeps its lifespan's knowing refusal to start as `fault`; the server tells it, if it is `told`."""

    def __init__(self, app: ASGIApp, *, told: bool = True) -> None:
        self.fault: BridgeError | None = None
        self._app = app
        self._told = told

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return
        failure: Message | None = None

        async def hold_failure(message: Message) -> None:
            nonlocal failure
            if message["type"] == "lifespan.startup.failed":
                failure = message
            else:
                await send(message)

        try:
            await self._app(scope, receive, hold_failure)
        except BridgeError as fault:
            self.fault = fault
            failure = {"type": "lifespan.startup.failed", "message": str(fault) if self._told else ""}
        finally:
            if failure:
                await send(failure)

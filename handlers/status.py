"""For load balancers and for people who operate: is it alive, is it ready, how is it doing."""

import msgspec

from handlers.base import ApiHandler
from handlers.openapi.operation import Operation, operation
from notifier.process.status import Snapshot


class Health(msgspec.Struct, frozen=True):
    """``status`` is ok, draining or unavailable."""

    status: str


class LiveHandler(ApiHandler):
    """The process runs."""

    def get(self) -> None:
        self.reply(Health("ok"))


class ReadyHandler(ApiHandler):
    """The process wants traffic: 200, otherwise 503."""

    def get(self) -> None:
        if not self.application.status.ready:
            self.set_status(503)
            self.reply(Health("draining" if self.application.hub.draining else "unavailable"))
            return
        self.reply(Health("ok"))


class StatsHandler(ApiHandler):
    """The figures of this process, for superusers."""

    @operation(
        Operation(
            "Figures of this process",
            "administration",
            response=Snapshot,
            errors={401: "Not signed in.", 403: "Not a superuser."},
            security=("accessToken",),
        )
    )
    async def get(self) -> None:
        await self.require_superuser()
        self.reply(self.application.status.snapshot())

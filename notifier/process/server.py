"""The composition root: builds the parts, starts them, and stops them in reverse order.

Shutdown is a stack: readiness off, stop consuming, stop accepting, finish what is in
flight, send the clients away, then close the relay and the store. Each step logs its own
failure, and the next one still runs.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tornado.netutil import bind_sockets

from handlers.application import NotifierApplication
from handlers.connections.deadlines import CHECK_SECONDS
from handlers.connections.listener import Listener
from handlers.metrics import metrics_server
from handlers.routes import routes
from handlers.this_machine import ThisMachine
from notifier.delivery.hub import Hub
from notifier.delivery.presence import Presence
from notifier.errors import CannotStart
from notifier.identity.accounts import Accounts
from notifier.identity.neighbour import can_tell
from notifier.identity.passwords import Passwords
from notifier.identity.uses import KeyUses
from notifier.models import InboxPosition, Page
from notifier.process.chores import (
    AUDIT_INTERVAL,
    INBOX_INTERVAL,
    KEY_USES_INTERVAL,
    RETENTION_INTERVAL,
    USER_CHANGES_INTERVAL,
    Retention,
    UserChanges,
    every,
    watch_loop,
)
from notifier.process.counts import Counts
from notifier.process.descriptors import most_connections
from notifier.process.first_key import make_first_key
from notifier.process.in_force import in_force
from notifier.process.parts import make_driver, make_identity, make_relay
from notifier.process.status import Status
from notifier.process.superuser import FirstSuperuser, advice, make_first_superuser
from notifier.refusals import Refusals
from notifier.sending.authority import Senders
from notifier.sending.inbox import Inboxes
from notifier.sending.removal import Removal
from notifier.sending.service import NotificationService
from notifier.settings import Settings
from notifier.storage.operations.keys import ApiKeys
from notifier.storage.operations.notifications import Positions
from notifier.storage.store import Store
from notifier.storage.writer import Commit

if TYPE_CHECKING:
    from amqp.consumer import Consumer

logger = logging.getLogger(__name__)

_PAGE_ROWS: Final = 200
"""Most notifications that one read of a catch-up brings."""


class Server:
    """One process: everything on one loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.relay = make_relay(settings)
        self.counts = Counts()
        self.store = Store(
            make_driver(settings, exclusive=True),
            listeners=(self._announce, self.counts.committed),
            max_operations=settings.queue_size,
            timeout=settings.request_timeout,
            patience=settings.ack_seconds,
        )
        self.inboxes = Inboxes(self.store, settings.inbox_changes_per_second)
        self.hub = Hub(
            self.relay,
            self._read_page,
            self.inboxes.news,
            high_water=settings.high_water_bytes,
        )
        self.notifications = NotificationService(self.store)
        self.refusals = Refusals()
        self.status = Status(self.counts, self.store, self.hub, self.relay, self.refusals)
        self.application: NotifierApplication | None = None
        self.first_superuser: FirstSuperuser | None = None
        self.advice: Sequence[str] = ()
        self.first_key: Path | None = None
        """The file of the key that this start has made."""
        self.sends_are_open = False
        self.port = 0
        self._stack: list[tuple[str, Callable[[], Awaitable[object]]]] = []
        self._chores: list[asyncio.Task[Any]] = []
        self._failed: asyncio.Future[None] | None = None

    @property
    def url(self) -> str:
        """Where the server can be reached from this machine."""
        return self.settings.url_at(self.port)

    async def start(self) -> None:
        """Open the store and listen. Raises CannotStart or Unavailable, leaving nothing open."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        settings = self.settings
        loop = asyncio.get_running_loop()
        self._failed = loop.create_future()
        passwords = Passwords(settings.sign_ins_waiting, settings.request_timeout)
        self._stack.append(("passwords", _as_async(passwords.close)))
        identity = make_identity(settings, self.store, passwords)
        self._stack.append(("store", self.store.close))
        await self.store.open()
        self._stack.append(("inboxes", self.inboxes.close))
        self._stack.append(("audit log", identity.audit.close))
        self.store.ended.add_done_callback(self._part_ended)
        uses = KeyUses(self.store)
        self._stack.append(("key uses", uses.close))
        no_key_yet = settings.takes_keyless_sends and not await self.store.read(ApiKeys())
        keyless = no_key_yet and await asyncio.to_thread(can_tell, settings.host)
        self.sends_are_open = settings.open_send or keyless
        if external := identity.authentication.external:
            self._stack.append(("keys of the application", external.source.close))
        await self.relay.start(self.hub)
        self._stack.append(("relay", self.relay.stop))
        user_changes = UserChanges(self.store, self.hub)
        await user_changes.start()
        retention = Retention(self.store, settings.retention_days, settings.audit_days)
        self._stack.append(("chores", self._stop_chores))
        self._start_chore(every(USER_CHANGES_INTERVAL, user_changes.apply))
        self._start_chore(every(settings.sweep_seconds, self._sweep))
        self._start_chore(every(RETENTION_INTERVAL, retention.remove))
        self._start_chore(every(INBOX_INTERVAL, self.inboxes.carry_on))
        self._start_chore(watch_loop(self.status.loop_lag))
        self._start_chore(every(KEY_USES_INTERVAL, uses.write))
        self._start_chore(every(AUDIT_INTERVAL, identity.audit.write))
        if external:
            self._start_chore(external.source.keep_fresh())
        senders = Senders(
            identity.authentication,
            self.store,
            self.refusals,
            uses,
            open_send=settings.open_send,
            sends_per_second=settings.sends_per_second,
            keyless_sends_per_second=settings.keyless_sends_per_second,
        )
        self.application = NotifierApplication(
            routes(settings.users),
            options=settings,
            notifications=self.notifications,
            inboxes=self.inboxes,
            identity=identity,
            senders=senders,
            removal=Removal(self.store),
            hub=self.hub,
            presence=Presence(self.hub, self.relay),
            status=self.status,
            refusals=self.refusals,
            this_machine=ThisMachine(may_send=keyless),
        )
        consumer = None
        if settings.rabbitmq:
            from amqp.consumer import Consumer  # noqa: PLC0415 - only where it is used

            consumer = Consumer(self.notifications, settings, self.refusals)
        sockets = self._bind(settings.host, settings.port, "NOTIFIER_HOST and NOTIFIER_PORT")
        if settings.metrics_port:
            self._listen_for_metrics(settings)
        await identity.audit.started(in_force(settings))
        if no_key_yet and not keyless:
            self.first_key = await make_first_key(identity.keys, settings)
        # Nothing may fail behind this, or a generated password would never be shown.
        if settings.users != "external":
            await self._see_to_superusers(identity.accounts)
        self._listen(self.application, sockets)
        if consumer:
            self._consume(consumer)

    async def _see_to_superusers(self, accounts: Accounts) -> None:
        self.first_superuser = await make_first_superuser(accounts, self.settings)
        if self.first_superuser is None:
            self.advice = await advice(accounts, self.settings)

    def _bind(self, host: str, port: int, variables: str) -> list[socket.socket]:
        try:
            sockets = bind_sockets(port, host, backlog=self.settings.backlog)
        except OSError as error:
            raise CannotStart(
                f"Cannot listen on {host} port {port}: {error.strerror}. {variables} say where."
            ) from error

        async def close() -> None:
            for each in sockets:
                each.close()

        self._stack.append(("sockets", close))
        return sockets

    def _listen_for_metrics(self, settings: Settings) -> None:
        assert self.application is not None
        variables = "NOTIFIER_METRICS_HOST and NOTIFIER_METRICS_PORT"
        sockets = self._bind(settings.metrics_host, settings.metrics_port, variables)
        http = metrics_server(self.application.exposition)
        http.add_sockets(sockets)
        self._stack.append(("metrics", http.close_all_connections))
        self._stack.append(("metrics listener", _as_async(http.stop)))

    def _listen(self, application: NotifierApplication, sockets: list[socket.socket]) -> None:
        settings = self.settings
        http = Listener(application, most=most_connections(settings.max_connections))
        http.add_sockets(sockets)
        self._start_chore(every(CHECK_SECONDS, application.clients.end_late))
        self._start_chore(every(CHECK_SECONDS, application.bodies.end_late))
        self._start_chore(every(CHECK_SECONDS, application.pings.send))
        self.port = sockets[0].getsockname()[1]
        self._stack.append(("connections", http.close_all_connections))
        self._stack.append(("devices", partial(self.hub.send_away, settings.drain_seconds)))
        self._stack.append(("requests", partial(self._finish_requests, application)))
        self._stack.append(("listener", _as_async(http.stop)))

    def _consume(self, consumer: "Consumer") -> None:
        self.status.rabbitmq = consumer.state
        consumer.start()
        self._stack.append(("rabbitmq", consumer.stop))

    async def wait(self) -> None:
        """Return when a part has died that the service cannot do without. Raises its error."""
        assert self._failed is not None, "the server was not started"
        await asyncio.shield(self._failed)

    async def stop(self) -> None:
        """Drain and stop. Never raises."""
        self.hub.draining = True
        while self._stack:
            name, step = self._stack.pop()
            try:
                await step()
            except Exception:
                logger.exception("Stopping failed", extra={"action": "stop_failed", "part": name})

    async def _finish_requests(self, application: NotifierApplication) -> None:
        """Wait for what is in flight, within the time limit of a request.

        The limit is for those who go on sending on connections that they have kept open.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.request_timeout):
                while application.requests:  # noqa: ASYNC110 - an event would be set for each
                    await asyncio.sleep(0.01)

    # Chores.

    def _start_chore(self, chore: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.get_running_loop().create_task(chore)
        task.add_done_callback(self._part_ended)
        self._chores.append(task)

    async def _stop_chores(self) -> None:
        for task in self._chores:
            task.cancel()
        await asyncio.gather(*self._chores, return_exceptions=True)

    def _part_ended(self, part: "asyncio.Future[Any]") -> None:
        """A part that dies stops the service, loudly, instead of leaving half of it."""
        assert self._failed is not None
        if part.cancelled() or part.exception() is None or self._failed.done():
            return
        self._failed.set_exception(part.exception() or RuntimeError("a part has ended"))
        self._failed.exception()

    async def _sweep(self) -> None:
        behind = await self.hub.sweep(self._read_positions)
        if behind:
            logger.info("Feeds were behind", extra={"action": "swept", "feeds": behind})

    def _announce(self, commit: Commit) -> None:
        if commit.events:
            self.relay.publish(commit.events)

    async def _read_positions(self, user_ids: Sequence[int]) -> dict[int, InboxPosition]:
        return await self.store.read(Positions(user_ids))

    async def _read_page(self, user_id: int, after: int) -> Page:
        return await self.notifications.pending(
            user_id, after, rows=_PAGE_ROWS, size=self.settings.high_water_bytes
        )


def _as_async(call: Callable[[], object]) -> Callable[[], Awaitable[object]]:
    async def step() -> None:
        call()

    return step

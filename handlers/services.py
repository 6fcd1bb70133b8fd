"""What handlers reach through their application: verbs, devices, figures."""

from collections.abc import Sequence
from typing import Final

from tornado.routing import URLSpec
from tornado.web import Application

from handlers.connections.clients import Clients
from handlers.proxies import TrustedProxies
from handlers.this_machine import ThisMachine
from handlers.websocket.pings import Pings
from notifier.delivery.hub import Hub
from notifier.delivery.presence import Presence
from notifier.identity import Identity
from notifier.process.exposition import Exposition
from notifier.process.status import Status
from notifier.refusals import Refusals
from notifier.sending.authority import Senders
from notifier.sending.inbox import Inboxes
from notifier.sending.removal import Removal
from notifier.sending.service import NotificationService
from notifier.settings import Settings

_MAX_FRAME: Final = 64 * 1024
"""Bytes of a client's frame: acknowledgements and commands are small."""


class Services(Application):
    """A Tornado application with everything that its handlers call."""

    def __init__(
        self,
        routes: Sequence[URLSpec],
        *,
        options: Settings,
        notifications: NotificationService,
        inboxes: Inboxes,
        identity: Identity,
        senders: Senders,
        removal: Removal,
        hub: Hub,
        presence: Presence,
        status: Status,
        refusals: Refusals,
        this_machine: ThisMachine,
    ) -> None:
        super().__init__(
            list(routes),
            websocket_max_message_size=_MAX_FRAME,
        )
        self.options = options
        self.notifications = notifications
        self.inboxes = inboxes
        self.identity = identity
        self.authentication = identity.authentication
        self.senders = senders
        self.removal = removal
        self.hub = hub
        self.presence = presence
        self.status = status
        self.exposition = Exposition(status)
        self.refusals = refusals
        self.this_machine = this_machine
        self.proxies = TrustedProxies(options.trusted_networks)
        self.clients = Clients(options, self.proxies, refusals)
        self.pings = Pings(options.ping_seconds)
        self.requests = 0
        """How many requests are being answered."""

"""What a client for asyncio does with inboxes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from notifier_client.attempts import Attempts, Patience
from notifier_client.inbox import Change, Counts, Identity, Item, Notification, Withdrawn
from notifier_client.listening import Session, refresh
from notifier_client.requests import Filter, Whose

if TYPE_CHECKING:
    from notifier_client.sockets import AsyncSocket

T = TypeVar("T")


class AsyncInboxes:
    """:class:`~notifier_client.inbox_blocking.Inboxes` for one event loop."""

    _patience: Patience
    _url: str

    async def ask(self, attempts: Attempts[T]) -> T:
        """Make the attempts. Raises SendFailed."""
        raise NotImplementedError

    async def withdraw(
        self, user_id: int | str | None = None, key: str = "", *, user: str | None = None
    ) -> Withdrawn:
        """Take a notification back: nobody gets it any more, and who shows it does so no longer.

        Raises UnknownNotification.
        """
        return await self.ask(self._whose(user_id, user).withdraw(key))

    async def inbox(
        self,
        user_id: int | str | None = None,
        *,
        user: str | None = None,
        status: str | None = None,
        archived: str | None = None,
        snoozed: str | None = None,
        category: str | None = None,
    ) -> AsyncIterator[Item]:
        """What the inbox shows, the newest first; it asks for pages as you go on.

        ``status`` is ``all``, ``unread`` or ``read``; ``archived`` and ``snoozed`` are
        ``exclude``, ``include`` or ``only``.
        """
        whose, wanted = self._whose(user_id, user), Filter(status, archived, snoozed, category)
        page = await self.ask(whose.page(wanted))
        for item in page.items:
            yield item
        while page.before is not None:
            page = await self.ask(whose.page(wanted, page.before))
            for item in page.items:
                yield item

    async def count(self, user_id: int | str | None = None, *, user: str | None = None) -> Counts:
        """How many are unread."""
        return await self.ask(self._whose(user_id, user).count())

    async def mark_read(
        self,
        user_id: int | str | None = None,
        keys: Iterable[str] | None = None,
        *,
        user: str | None = None,
        up_to: int | None = None,
        category: str | None = None,
    ) -> Change:
        """Up to 100 ``keys`` were read, or all that is shown ``up_to`` a seq, of a ``category``."""
        return await self.ask(self._whose(user_id, user).change("read", keys, up_to, category))

    async def mark_unread(
        self,
        user_id: int | str | None = None,
        keys: Iterable[str] | None = None,
        *,
        user: str | None = None,
        up_to: int | None = None,
        category: str | None = None,
    ) -> Change:
        """They are to be read again."""
        return await self.ask(self._whose(user_id, user).change("unread", keys, up_to, category))

    async def mark_seen(
        self,
        user_id: int | str | None = None,
        keys: Iterable[str] | None = None,
        *,
        user: str | None = None,
        up_to: int | None = None,
        category: str | None = None,
    ) -> Change:
        """They were on a screen."""
        return await self.ask(self._whose(user_id, user).change("seen", keys, up_to, category))

    async def archive(
        self,
        user_id: int | str | None = None,
        keys: Iterable[str] | None = None,
        *,
        user: str | None = None,
        up_to: int | None = None,
        category: str | None = None,
    ) -> Change:
        """They are put away."""
        return await self.ask(self._whose(user_id, user).change("archive", keys, up_to, category))

    async def unarchive(
        self,
        user_id: int | str | None = None,
        keys: Iterable[str] | None = None,
        *,
        user: str | None = None,
        up_to: int | None = None,
        category: str | None = None,
    ) -> Change:
        """They are back."""
        return await self.ask(self._whose(user_id, user).change("unarchive", keys, up_to, category))

    async def snooze(
        self,
        user_id: int | str | None = None,
        keys: Iterable[str] | None = None,
        *,
        until: datetime | None,
        user: str | None = None,
        up_to: int | None = None,
        category: str | None = None,
    ) -> Change:
        """They are put off until an aware datetime, or back at once for None."""
        return await self.ask(self._whose(user_id, user).snooze(until, keys, up_to, category))

    async def undo(
        self, user_id: int | str | None = None, version: int = 0, *, user: str | None = None
    ) -> Change:
        """Take back the change that has this ``version``. Raises UnknownChange."""
        return await self.ask(self._whose(user_id, user).undo(version))

    async def listen(
        self,
        user_id: int | str | None = None,
        *,
        user: str | None = None,
        identity: Callable[[], Awaitable[Identity]] | None = None,
    ) -> AsyncIterator[Notification]:
        """What is pending, and then what comes, in order, each once; it never ends by itself.

        Each is acknowledged when you ask for the next one: your code has handled it then. What
        it has not, because it raised or the process died, comes again next time. What is
        withdrawn before its turn is left out. It connects again by itself, for as long as that
        takes. Needs ``notifier-client[listen]``, and a key with the scope ``identity``, or
        something that makes an ``identity`` token each time that one is needed. Raises SendFailed
        where the server refuses.
        """
        from notifier_client import sockets  # noqa: PLC0415 - an extra, for this alone

        whose, session = self._whose(user_id, user), Session()
        make = identity or (lambda: self.ask(whose.identity()))
        while True:
            try:
                token = await make()
                async with sockets.open_async(self._url, token) as socket:
                    session.opened(token)
                    async for notification in self._listen(make, session, socket):
                        yield notification
            except sockets.LOST as error:
                await asyncio.sleep(sockets.pause(session, error))

    async def _listen(
        self, make: Callable[[], Awaitable[Identity]], session: Session, socket: "AsyncSocket"
    ) -> AsyncIterator[Notification]:
        while True:
            if not session.seconds:
                token = await make()
                session.renewed(token)
                await socket.send(refresh(token))
            await self._read(session, socket)
            notification = session.next()
            if notification is not None:
                if not session.known(notification):
                    yield notification
                await socket.send(session.acknowledged(notification))

    async def _read(self, session: Session, socket: "AsyncSocket") -> None:
        """Take in all that has come; wait for it while there is nothing to hand over."""
        if session.waiting:
            # Of code that awaits nothing: the loop finds what has come, and then receives it.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        with suppress(TimeoutError):
            while session.has_room:
                async with asyncio.timeout(session.patience):
                    frame = await socket.recv()
                session.read(frame)

    def _whose(self, user_id: int | str | None, user: str | None) -> Whose:
        return Whose(self._patience, user_id, user)

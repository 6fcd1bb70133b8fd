"""What a blocking client does with inboxes."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from notifier_client.attempts import Attempts, Patience
from notifier_client.inbox import Change, Counts, Identity, Item, Notification, Withdrawn
from notifier_client.listening import Session, refresh
from notifier_client.requests import Filter, Whose

if TYPE_CHECKING:
    from notifier_client.sockets import Socket

T = TypeVar("T")


class Inboxes:
    """Verbs about one user: an account's ``user_id``, or ``user`` of your application.

    Each is tried again like a send. All raise SendFailed.
    """

    _patience: Patience
    _url: str

    def ask(self, attempts: Attempts[T]) -> T:
        """Make the attempts. Raises SendFailed."""
        raise NotImplementedError

    def withdraw(
        self, user_id: int | str | None = None, key: str = "", *, user: str | None = None
    ) -> Withdrawn:
        """Take a notification back: nobody gets it any more, and who shows it does so no longer.

        Raises UnknownNotification.
        """
        return self.ask(self._whose(user_id, user).withdraw(key))

    def inbox(
        self,
        user_id: int | str | None = None,
        *,
        user: str | None = None,
        status: str | None = None,
        archived: str | None = None,
        snoozed: str | None = None,
        category: str | None = None,
    ) -> Iterator[Item]:
        """What the inbox shows, the newest first; it asks for pages as you go on.

        ``status`` is ``all``, ``unread`` or ``read``; ``archived`` and ``snoozed`` are
        ``exclude``, ``include`` or ``only``.
        """
        whose, wanted = self._whose(user_id, user), Filter(status, archived, snoozed, category)
        page = self.ask(whose.page(wanted))
        yield from page.items
        while page.before is not None:
            page = self.ask(whose.page(wanted, page.before))
            yield from page.items

    def count(self, user_id: int | str | None = None, *, user: str | None = None) -> Counts:
        """How many are unread."""
        return self.ask(self._whose(user_id, user).count())

    def mark_read(
        self,
        user_id: int | str | None = None,
        keys: Iterable[str] | None = None,
        *,
        user: str | None = None,
        up_to: int | None = None,
        category: str | None = None,
    ) -> Change:
        """Up to 100 ``keys`` were read, or all that is shown ``up_to`` a seq, of a ``category``."""
        return self.ask(self._whose(user_id, user).change("read", keys, up_to, category))

    def mark_unread(
        self,
        user_id: int | str | None = None,
        keys: Iterable[str] | None = None,
        *,
        user: str | None = None,
        up_to: int | None = None,
        category: str | None = None,
    ) -> Change:
        """They are to be read again."""
        return self.ask(self._whose(user_id, user).change("unread", keys, up_to, category))

    def mark_seen(
        self,
        user_id: int | str | None = None,
        keys: Iterable[str] | None = None,
        *,
        user: str | None = None,
        up_to: int | None = None,
        category: str | None = None,
    ) -> Change:
        """They were on a screen."""
        return self.ask(self._whose(user_id, user).change("seen", keys, up_to, category))

    def archive(
        self,
        user_id: int | str | None = None,
        keys: Iterable[str] | None = None,
        *,
        user: str | None = None,
        up_to: int | None = None,
        category: str | None = None,
    ) -> Change:
        """They are put away."""
        return self.ask(self._whose(user_id, user).change("archive", keys, up_to, category))

    def unarchive(
        self,
        user_id: int | str | None = None,
        keys: Iterable[str] | None = None,
        *,
        user: str | None = None,
        up_to: int | None = None,
        category: str | None = None,
    ) -> Change:
        """They are back."""
        return self.ask(self._whose(user_id, user).change("unarchive", keys, up_to, category))

    def snooze(
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
        return self.ask(self._whose(user_id, user).snooze(until, keys, up_to, category))

    def undo(
        self, user_id: int | str | None = None, version: int = 0, *, user: str | None = None
    ) -> Change:
        """Take back the change that has this ``version``. Raises UnknownChange."""
        return self.ask(self._whose(user_id, user).undo(version))

    def listen(
        self,
        user_id: int | str | None = None,
        *,
        user: str | None = None,
        identity: Callable[[], Identity] | None = None,
    ) -> Iterator[Notification]:
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
                token = make()
                with sockets.open_blocking(self._url, token) as socket:
                    session.opened(token)
                    yield from self._listen(make, session, socket)
            except sockets.LOST as error:
                time.sleep(sockets.pause(session, error))

    def _listen(
        self, make: Callable[[], Identity], session: Session, socket: "Socket"
    ) -> Iterator[Notification]:
        while True:
            if not session.seconds:
                token = make()
                session.renewed(token)
                socket.send(refresh(token))
            with suppress(TimeoutError):
                while session.has_room:
                    session.read(socket.recv(session.patience))
            notification = session.next()
            if notification is not None:
                if not session.known(notification):
                    yield notification
                socket.send(session.acknowledged(notification))

    def _whose(self, user_id: int | str | None, user: str | None) -> Whose:
        return Whose(self._patience, user_id, user)

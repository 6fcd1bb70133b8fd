"""Sessions of browsers, each with a cookie that scripts cannot read, and the tokens it brings."""

import secrets
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from notifier import clock
from notifier.errors import TokenNotValid, UnknownSession
from notifier.identity.authentication import Authentication
from notifier.identity.cookies import Cookies, parse
from notifier.models import Actor, Session, User
from notifier.storage.operations.sessions import (
    BeginSession,
    EndSession,
    RenewSession,
    SessionById,
    SessionsOf,
)
from notifier.storage.operations.users import EndSessions
from notifier.storage.store import Store

_NONCE_BYTES: Final = 16
_LONGEST_ADDRESS: Final = 64
_LONGEST_AGENT: Final = 200


class Browser(NamedTuple):
    """Where a session is used, as far as the request says."""

    address: str
    user_agent: str

    @classmethod
    def of(cls, address: str, user_agent: str) -> "Browser":
        """What can be stored and shown of it."""
        return cls(_printable(address)[:_LONGEST_ADDRESS], _printable(user_agent)[:_LONGEST_AGENT])


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())


class SignedIn(msgspec.Struct, frozen=True):
    """What a browser gets, and the cookie that brings the next."""

    access: str
    identity: str
    user: User
    cookie: str
    seconds: int
    """For which the cookie is good unless it is used."""


class Sessions:
    """Begins, renews and ends sessions, which last so many days, and so many without use."""

    def __init__(
        self,
        store: Store,
        authentication: Authentication,
        cookies: Cookies,
        *,
        days: int,
        idle_days: int,
    ) -> None:
        self._store = store
        self._authentication = authentication
        self._cookies = cookies
        self._lasts = days * clock.DAY
        self._idle = idle_days * clock.DAY

    async def begin(
        self, username: str, password: str, browser: Browser, former: str | None
    ) -> SignedIn:
        """A new session, always; the one of the cookie that the browser had before ends.

        Raises NoActiveAccount, TooManySignIns or Unavailable.
        """
        user = await self._authentication.check(username, password, browser.address)
        begun = await self._store.submit(
            BeginSession(
                user.id,
                user.token_version,
                secrets.token_bytes(_NONCE_BYTES),
                *browser,
                lasts=self._lasts,
                idle=self._idle,
                instead=await self._former(former),
            )
        )
        return self._signed_in(user, begun)

    async def renew(self, cookie: str, browser: Browser) -> SignedIn:
        """New tokens and the next cookie. Raises TokenNotValid or Unavailable."""
        session, count = await self._of_cookie(cookie)
        renewed = await self._store.submit(
            RenewSession(session.id, session.nonce, count, *browser, idle=self._idle)
        )
        if renewed is None:
            raise TokenNotValid
        # Read behind the renewal, because tokens of an older version would not hold.
        return self._signed_in(await self._authentication.active(renewed.user_id), renewed)

    async def sign_out(self, cookie: str, address: str, *, everywhere: bool = False) -> None:
        """End the session of the cookie, or everything of its user. May raise Unavailable."""
        try:
            session, _ = await self._of_cookie(cookie)
            user = await self._authentication.active(session.user_id)
            by = Actor(user.actor, address)
            await self._store.submit(
                EndSessions(user.id, by)
                if everywhere
                else EndSession(user.id, session.id, by, is_sign_out=True)
            )
        except (TokenNotValid, UnknownSession):
            pass  # over already

    async def of(self, user_id: int) -> Sequence[Session]:
        """Those of a user that have not ended, the one that was used last first."""
        return await self._store.read(SessionsOf(user_id))

    async def end(self, user_id: int, session_id: int, by: Actor) -> None:
        """End one of a user's sessions, its tokens and connections. Raises UnknownSession."""
        await self._store.submit(EndSession(user_id, session_id, by))

    async def _of_cookie(self, text: str) -> tuple[Session, int]:
        """The session of a cookie that was given for it, and its count. Raises TokenNotValid."""
        cookie = parse(text)
        session = await self._store.read(SessionById(cookie.session_id))
        if session is None:
            raise TokenNotValid
        self._cookies.check(cookie, session)
        return session, cookie.number

    async def _former(self, cookie: str | None) -> int | None:
        try:
            session, _ = await self._of_cookie(cookie or "")
        except TokenNotValid:
            return None
        return session.id

    def _signed_in(self, user: User, session: Session) -> SignedIn:
        access, identity = self._authentication.issue_for(user, session)
        seconds = (session.ends_at - session.used_at) // clock.SECOND
        return SignedIn(access, identity, user, self._cookies.make(session), seconds)

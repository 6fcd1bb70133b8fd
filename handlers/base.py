"""What every API handler shares: parsing, replying, errors, and who is asking."""

from types import TracebackType
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET
from tornado.web import HTTPError, RequestHandler

from handlers import headers
from handlers.errors import reply_for
from handlers.services import Services
from notifier.errors import (
    DiskLow,
    EncodedBody,
    InvalidField,
    NotifierError,
    PermissionDenied,
    TokenNotValid,
    TooManyRequests,
    Unauthenticated,
    UnknownUser,
    UnsupportedMediaType,
)
from notifier.identity.tokens import Token
from notifier.models import Actor, Authority, User, WhoseUsers
from notifier.sending.authority import Credentials, may_name
from notifier.wire import Decoder, ForSomebody, check_choice, encode, parse_user_id

T = TypeVar("T")

_JSON: Final = "application/json"

_decoders: dict[tuple[type, WhoseUsers], Decoder[Any]] = {}


def _decoder(form: type[T], users: WhoseUsers) -> Decoder[T]:
    found = _decoders.get((form, users))
    if found is None:
        found = _decoders[form, users] = Decoder(form, users)
    return found


class ApiHandler(RequestHandler):
    """JSON in and out."""

    application: Services

    takes_payload = False
    """Whether bodies may be large; all others hold but names and tokens."""

    def set_default_headers(self) -> None:
        for name, value in headers.ALWAYS.items():
            self.set_header(name, value)
        self.clear_header("Server")  # it would tell Tornado's version
        if headers.is_shared(self.request.path):
            self._share()

    def _share(self) -> None:
        # By the path and not by the handler, because refusals have handlers of their own.
        origin = self.request.headers.get("Origin")
        for name, value in headers.shared(origin, self.application.options.allowed_origins).items():
            self.set_header(name, value)

    _counted = False

    def prepare(self) -> None:
        self._counted = True
        self.application.requests += 1
        if self.application.hub.draining:
            self.set_header("Connection", "close")

    def on_finish(self) -> None:
        # A request that Tornado itself refuses never gets as far as prepare().
        if self._counted:
            self.application.requests -= 1

    def decode_argument(self, value: bytes, name: str | None = None) -> str:
        """A path or a parameter. What is no UTF-8 becomes a text that nothing is called."""
        return value.decode(errors="replace")

    def compute_etag(self) -> str | None:
        """No entity tags: answers are not for caches."""
        return None

    def parse(self, form: type[T]) -> T:
        """The request's body.

        Raises UnsupportedMediaType, EncodedBody, MalformedJSON, InvalidFields or InvalidRequest.
        """
        return _decoder(form, self.application.options.users)(self.json_body())

    def json_body(self) -> bytes:
        """The request's body, unparsed. Raises UnsupportedMediaType or EncodedBody."""
        if not self._is_json():
            raise UnsupportedMediaType
        if self.request.headers.get("Content-Encoding", "identity") != "identity":
            raise EncodedBody
        return self.request.body

    def parse_query(self, form: type[T]) -> T:
        """The parameters of the address, as fields of ``form``. Raises InvalidField."""
        # Not by get_query_argument(), which makes spaces of control characters: that text may be
        # the name of something. NUL, which not every database takes, is like what is no UTF-8.
        given = {
            name: self.decode_argument(values[-1]).replace("\0", "\ufffd")
            for name, values in self.request.query_arguments.items()
        }
        try:
            return msgspec.convert(given, form, strict=False)
        except msgspec.ValidationError as error:
            problem, _, field = str(error).partition(" - at `$.")
            raise InvalidField(field.rstrip("`") or "query", f"{problem}.") from None

    def _is_json(self) -> bool:
        # Strict, also about a missing type: a foreign page can post without it, but for
        # this type its browser asks us first.
        content_type = self.request.headers.get("Content-Type", "")
        if content_type == _JSON:
            return True
        media_type = content_type.partition(";")[0].strip().lower()
        return media_type == _JSON or media_type.endswith("+json")

    def header_text(self, name: str) -> str | None:
        """A header's text: UTF-8, or else Latin-1, as which Tornado reads every header."""
        value = self.request.headers.get(name)
        if value is None or value.isascii():
            return value
        try:
            return value.encode("latin-1").decode()
        except UnicodeDecodeError:
            return value

    def reply(self, body: Any) -> None:
        """Answer with ``body`` as JSON."""
        self.finish(encode(body))

    def done(self) -> None:
        """Answer that it is done, and with nothing else."""
        self.set_status(204)
        self.finish()

    # Who is asking.

    @property
    def bearer(self) -> str | None:
        """The token or key in the Authorization header."""
        scheme, _, value = self.request.headers.get("Authorization", "").partition(" ")
        return value.strip() or None if scheme.lower() == "bearer" else None

    async def require_user(self) -> User:
        """The user whose access token came along. Raises Unauthenticated or TokenNotValid."""
        if self.bearer is None:
            raise Unauthenticated
        return await self.application.authentication.user_of(self.bearer, "access")

    async def require_token(self) -> Token:
        """The access or identity token that came along. Raises Unauthenticated or TokenNotValid."""
        if self.bearer is None:
            raise Unauthenticated
        token = await self.application.authentication.verify(self.bearer)
        if token.token_type == "refresh":  # noqa: S105 - a kind of token
            raise TokenNotValid("The token has the wrong type.")
        return token

    async def require_superuser(self) -> User:
        """The same, but only for superusers. Raises PermissionDenied too."""
        user = await self.require_user()
        if not user.is_superuser:
            raise PermissionDenied
        return user

    async def number_of(self, named: ForSomebody, authority: Authority) -> int:
        """The id of the account, or the number of the recipient, that parameters name.

        Raises InvalidField, UserNotAllowed, UnknownUser or Unavailable.
        """
        check_choice(named, self.application.options.users)
        if named.user is not UNSET:
            may_name(authority, named.user)
            return (await self.application.identity.recipients.get(named.user)).number
        may_name(authority, None)
        user_id = None if named.user_id is UNSET else parse_user_id(named.user_id)
        if user_id is None:
            raise UnknownUser
        return user_id

    def actor(self, user: User) -> Actor:
        """``user``, who asks for this, for the audit log."""
        return Actor(user.actor, self.request.remote_ip or "")

    @property
    def credentials(self) -> Credentials:
        """What this request brings to show its rights."""
        bearer, api_key = self.bearer, self.request.headers.get("X-API-Key")
        # An empty key is a wrong one: whoever sends it has lost theirs, and should hear of it.
        if bearer or api_key is not None:
            return Credentials(bearer, api_key, address=self.request.remote_ip or "")
        return Credentials(from_this_machine=self.application.this_machine.sent(self.request))

    # Errors.

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        if not self._counted and status_code == 400 and not self._is_json():
            # Tornado parses forms before any handler runs, and this one is not even a form.
            error = UnsupportedMediaType()
        if isinstance(error, TooManyRequests | DiskLow):
            self.count_refusal(error)
        answer = reply_for(error, status_code)
        self.set_status(answer.status)
        if answer.status == 405:
            self.set_header("Allow", ", ".join(self._allowed_methods()))
        for name, value in answer.headers.items():
            self.set_header(name, value)
        self.reply(answer.body)

    def count_refusal(self, error: NotifierError) -> None:
        """A limit did not let something pass."""
        self.application.refusals.count(error.code, remote_ip=self.request.remote_ip)

    def _allowed_methods(self) -> list[str]:
        return [
            method
            for method in self.SUPPORTED_METHODS
            if getattr(type(self), method.lower()) is not getattr(RequestHandler, method.lower())
        ]

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        # What the client did wrong is in the access log; only our own faults need a trace.
        if not isinstance(value, NotifierError | HTTPError):
            super().log_exception(typ, value, tb)

    def _request_summary(self) -> str:
        # Without the query string, which may hold a token.
        return f"{self.request.method} {self.request.path} ({self.request.remote_ip})"


class RefusedHandler(ApiHandler):
    """Any request, refused with ``error``."""

    def initialize(self, error: NotifierError) -> None:
        self._error = error

    def prepare(self) -> None:
        super().prepare()
        raise self._error


class NotFoundHandler(ApiHandler):
    """Any path that nothing else answers."""

    def prepare(self) -> None:
        super().prepare()
        raise HTTPError(404)

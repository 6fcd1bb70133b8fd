"""One process or many: which store and which relay the settings ask for.

One process keeps everything in its data folder and needs nobody. Several share
PostgreSQL, and tell each other through Redis. The drivers of what is not in use are not
imported: together they are a third of an empty server's memory.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from notifier.delivery.relay import LocalRelay, Relay
from notifier.errors import InvalidSettings
from notifier.identity import Identity
from notifier.identity.accounts import Accounts
from notifier.identity.audit import Audit
from notifier.identity.authentication import Authentication
from notifier.identity.cookies import Cookies
from notifier.identity.guesses import Guesses
from notifier.identity.keys import Keys
from notifier.identity.passwords import Passwords
from notifier.identity.recipients import Recipients
from notifier.identity.secret import signing_secrets
from notifier.identity.sessions import Sessions
from notifier.identity.tokens import Tokens
from notifier.settings import Settings
from notifier.storage.contract import Driver
from notifier.storage.quota import Quota
from notifier.storage.sqlite import SqliteDriver
from notifier.storage.store import Store

if TYPE_CHECKING:
    from notifier.identity.application.external import External


def make_driver(settings: Settings, *, exclusive: bool) -> Driver:
    """The database that ``settings`` name; ``exclusive`` for the server that owns it."""
    delete_acknowledged = settings.retention_days == 0
    quota = Quota(settings.max_pending, settings.max_pending_bytes)
    if address := database_address(settings):
        from notifier.storage.postgres import PostgresDriver  # noqa: PLC0415 - only where it is used

        return PostgresDriver(address, delete_acknowledged=delete_acknowledged, quota=quota)
    return SqliteDriver(
        Path(settings.data_dir),
        exclusive=exclusive,
        delete_acknowledged=delete_acknowledged,
        quota=quota,
        least_free=settings.min_free_bytes,
    )


def database_address(settings: Settings) -> str:
    """The address of PostgreSQL; empty for the embedded store."""
    if settings.database_url or not settings.postgres_host:
        return settings.database_url
    from psycopg2.extensions import make_dsn  # noqa: PLC0415 - only where it is used

    return make_dsn(
        host=settings.postgres_host,
        port=settings.postgres_port,
        dbname=settings.postgres_db,
        user=settings.postgres_user,
        password=settings.postgres_password or None,
    )


def make_relay(settings: Settings) -> Relay:
    """How this process tells the others. Raises InvalidSettings."""
    if not settings.redis_url:
        return LocalRelay()
    if not database_address(settings):
        raise InvalidSettings(
            "REDIS_URL: it connects several processes, and these need PostgreSQL. "
            "Set DATABASE_URL too, or unset REDIS_URL."
        )
    if not settings.secret_key:
        raise InvalidSettings(
            "SECRET_KEY: several processes (REDIS_URL) accept each other's tokens only if "
            "all have the same. Set it."
        )
    from notifier.delivery.relay.address import bus_for  # noqa: PLC0415 - only where it is used
    from notifier.delivery.relay.redis import RedisRelay  # noqa: PLC0415 - only where it is used

    return RedisRelay(
        bus_for(settings.redis_url), prefix=settings.redis_prefix, secrets=settings.secrets
    )


def make_identity(settings: Settings, store: Store, passwords: Passwords) -> Identity:
    """The verbs of identity over ``store``. Raises CannotStart."""
    secrets = signing_secrets(settings)
    tokens = Tokens(
        secrets[0],
        {
            "access": settings.access_seconds,
            "refresh": settings.refresh_seconds,
            "identity": settings.identity_seconds,
        },
        secrets[1:],
    )
    guesses = Guesses(settings.guesses_per_address, settings.guesses_per_name)
    accounts = Accounts(store, passwords)
    audit = Audit(store)
    recipients = Recipients(store)
    authentication = Authentication(
        store,
        accounts,
        tokens,
        passwords,
        guesses,
        audit=audit,
        recipients=recipients,
        external=_make_external(settings, secrets),
        has_accounts=settings.users != "external",
    )
    sessions = Sessions(
        store,
        authentication,
        Cookies(secrets),
        days=settings.session_days,
        idle_days=settings.session_idle_days,
    )
    return Identity(authentication, accounts, Keys(store), recipients, sessions, audit)


def _make_external(settings: Settings, secrets: Sequence[str]) -> "External | None":
    """What reads the application's tokens; None where all users have accounts."""
    if settings.users == "accounts":
        return None
    try:
        from notifier.identity.application.external import External, Rules  # noqa: PLC0415 - only where it is used
        from notifier.identity.application.sources import source_of  # noqa: PLC0415 - only where it is used
    except ImportError as error:
        raise InvalidSettings(
            f"NOTIFIER_USERS: {settings.users!r} needs a library that is not installed "
            f"({error.name}): pip install 'notifier[external]'."
        ) from error
    rules = Rules(settings.jwt_issuer, settings.jwt_audience, settings.jwt_user_claim)
    return External(source_of(settings, secrets), rules)

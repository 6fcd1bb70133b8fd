"""One process or many: which store and which relay the settings ask for.

One process keeps everything in its data folder and needs nobody. Several share
PostgreSQL, and tell each other through Redis.
"""

from pathlib import Path

from psycopg2.extensions import make_dsn

from notifier.delivery.relay import LocalRelay, Relay
from notifier.delivery.relay.address import bus_for
from notifier.delivery.relay.redis import RedisRelay
from notifier.errors import InvalidSettings
from notifier.identity import Identity
from notifier.identity.accounts import Accounts
from notifier.identity.authentication import Authentication
from notifier.identity.external import External, Rules
from notifier.identity.guesses import Guesses
from notifier.identity.keys import Keys
from notifier.identity.passwords import Passwords
from notifier.identity.recipients import Recipients
from notifier.identity.secret import signing_secret
from notifier.identity.sources import source_of
from notifier.identity.tokens import Tokens
from notifier.settings import Settings
from notifier.storage.contract import Driver
from notifier.storage.postgres import PostgresDriver
from notifier.storage.quota import Quota
from notifier.storage.sqlite import SqliteDriver
from notifier.storage.store import Store


def make_driver(settings: Settings, *, exclusive: bool) -> Driver:
    """The database that ``settings`` name; ``exclusive`` for the server that owns it."""
    delete_acknowledged = settings.retention_days == 0
    quota = Quota(settings.max_pending, settings.max_pending_bytes)
    if address := database_address(settings):
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
    return RedisRelay(
        bus_for(settings.redis_url), prefix=settings.redis_prefix, secret=settings.secret_key
    )


def make_identity(settings: Settings, store: Store, passwords: Passwords) -> Identity:
    """The verbs of identity over ``store``. Raises CannotStart."""
    secret = signing_secret(settings)
    tokens = Tokens(
        secret,
        {
            "access": settings.access_seconds,
            "refresh": settings.refresh_seconds,
            "identity": settings.identity_seconds,
        },
    )
    guesses = Guesses(settings.guesses_per_address, settings.guesses_per_name)
    accounts = Accounts(store, passwords)
    recipients = Recipients(store)
    authentication = Authentication(
        store,
        accounts,
        tokens,
        passwords,
        guesses,
        recipients=recipients,
        external=_make_external(settings, secret),
        has_accounts=settings.users != "external",
    )
    return Identity(authentication, accounts, Keys(store), recipients)


def _make_external(settings: Settings, secret: str) -> External | None:
    """What reads the application's tokens; None where all users have accounts."""
    if settings.users == "accounts":
        return None
    rules = Rules(settings.jwt_issuer, settings.jwt_audience, settings.jwt_user_claim)
    return External(source_of(settings, [secret]), rules)

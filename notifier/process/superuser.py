"""The superuser that a first start makes, and what to say when something stands in its way.

It is made where there never was one. A superuser who was deactivated counts: nobody whom an
operator has locked out comes back, and nobody takes their place.
"""

import logging
import secrets
from collections.abc import Sequence

import msgspec

from notifier.errors import UsernameTaken
from notifier.identity.accounts import Accounts
from notifier.models import User
from notifier.settings import Settings

logger = logging.getLogger(__name__)


class FirstSuperuser(msgspec.Struct, frozen=True):
    """The superuser that this start has made."""

    user: User
    generated_password: str | None
    """None if the password was given."""


async def make_first_superuser(accounts: Accounts, settings: Settings) -> FirstSuperuser | None:
    """The superuser of the settings, where there never was one. Raises InvalidField."""
    if await accounts.superusers():
        return None  # spares the hash
    generated = None if settings.admin_password else secrets.token_urlsafe(12)
    try:
        user = await accounts.create_first_superuser(
            settings.admin_username, settings.admin_password or generated or ""
        )
    except UsernameTaken:
        return None  # by somebody ordinary, who does not become powerful by that
    return None if user is None else FirstSuperuser(user, generated)


async def advice(accounts: Accounts, settings: Settings) -> Sequence[str]:
    """What an operator should know about the superusers, also logged."""
    superusers = await accounts.superusers()
    lines = []
    if not any(user.is_active for user in superusers):
        logger.warning("There is no active superuser", extra={"action": "no_superuser"})
        lines.append(
            "There is no active superuser: `python -m notifier createsuperuser` makes one."
        )
    if settings.admin_password and not await _opens(accounts, superusers, settings):
        logger.warning(
            "NOTIFIER_ADMIN_PASSWORD has no effect", extra={"action": "admin_password_unused"}
        )
        lines.append(
            "NOTIFIER_ADMIN_PASSWORD has no effect, because it is for a first start: "
            "`python -m notifier changepassword` changes a password."
        )
    return lines


async def _opens(accounts: Accounts, superusers: Sequence[User], settings: Settings) -> bool:
    """Whether the password of the settings is that of their superuser."""
    for user in superusers:
        if user.username == settings.admin_username:
            return await accounts.has_password(user, settings.admin_password)
    return False

"""Who someone is, and what that allows."""

from typing import NamedTuple

from notifier.identity.accounts import Accounts
from notifier.identity.audit import Audit
from notifier.identity.authentication import Authentication
from notifier.identity.keys import Keys
from notifier.identity.recipients import Recipients
from notifier.identity.sessions import Sessions


class Identity(NamedTuple):
    """All verbs of this room."""

    authentication: Authentication
    accounts: Accounts
    keys: Keys
    recipients: Recipients
    sessions: Sessions
    audit: Audit

"""Send a notification through a running server."""

import json
import os
import shlex
import sys

from notifier import client
from notifier.config import Loaded
from notifier.errors import NotifierError
from notifier.process.commands.reaching import check_reachable, place, translated
from notifier.process.commands.running import Options
from notifier.process.first_key import read_first_key


def notify(options: Options, loaded: Loaded) -> int:
    """Send what the options say."""
    with translated():
        return _notify(options, loaded)


def _notify(options: Options, loaded: Loaded) -> int:
    elsewhere = loaded.client.get("NOTIFIER_URL")
    url = (elsewhere or loaded.settings.url).strip()
    api_key = loaded.client.get("NOTIFIER_API_KEY")
    if not elsewhere and not api_key:
        api_key = read_first_key(loaded.settings)  # of that very server, so for no other
    # The very bytes of the argument, whatever the terminal's encoding is.
    given = options.payload
    payload = sys.stdin.buffer.read() if given == "-" else os.fsencode(given)
    timeout = options.patience if options.timeout is None else options.timeout
    with client.Notifier(url, api_key=api_key, timeout=timeout) as notifier:
        if options.timeout is None:
            check_reachable(url)
        try:
            sent = notifier.send_json(
                options.user_id,
                payload,
                user=options.user,
                key=options.key,
                ttl=options.ttl,
                category=options.category,
                priority=options.priority,
                collapse_key=options.collapse_key,
            )
        except (client.ServerUnavailable, client.UnexpectedAnswer) as error:
            raise NotifierError(f"{place(url)}: {error.message}") from error
        except client.NotValid as error:
            raise NotifierError(error.message + _quoting(given)) from error
    whose = sent.user_id if sent.user is None else repr(sent.user)
    print(f"Stored as number {sent.seq} of user {whose}, key {sent.key}.")
    return 0


def _quoting(given: str) -> str:
    """How to write ``given`` if it is a word that was meant as text.

    It is not taken as such, because then ``true`` and ``12`` would be something else than
    ``hello``, and JSON with a typing error would arrive at its user.
    """
    if given[:1].isalnum() and given.isprintable():
        try:
            json.loads(given)
        except ValueError:
            return f" As text it is {shlex.quote(json.dumps(given, ensure_ascii=False))}."
    return ""

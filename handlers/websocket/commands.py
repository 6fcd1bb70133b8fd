"""What a client can ask for in a frame, beside acknowledging: ``ping``, ``refresh``, the inbox."""

from typing import Final

import msgspec

from notifier.errors import InvalidField
from notifier.inbox_wire import ChangeRequest, ChangeResponse, SnoozeRequest, UndoRequest
from notifier.models import VERBS, Verb
from notifier.sending.inbox import Inboxes
from notifier.wire import Decoder

_UNDO: Final = "undo"
INBOX_COMMANDS: Final = frozenset((*VERBS, _UNDO))
"""They take what the request of the same name takes."""

_change: Decoder[ChangeRequest] = Decoder(ChangeRequest)
_snooze: Decoder[SnoozeRequest] = Decoder(SnoozeRequest)
_undo: Decoder[UndoRequest] = Decoder(UndoRequest)


def text_of(value: msgspec.Raw) -> str | None:
    """A command's value that is a text, or nothing. Raises InvalidField."""
    try:
        return msgspec.json.decode(value, type=str | None)
    except msgspec.ValidationError:
        raise InvalidField("value", "Expected a string.") from None


async def change_inbox(
    inboxes: Inboxes, user_id: int, command: str, value: msgspec.Raw
) -> ChangeResponse:
    """Do what a command says. Raises what the request of the same name does."""
    if command == _UNDO:
        changed = await inboxes.undo(user_id, _undo(bytes(value)).version)
    else:
        verb = msgspec.convert(command, Verb)
        request = (_snooze if verb == "snooze" else _change)(bytes(value))
        changed = await inboxes.change(user_id, verb, request)
    return ChangeResponse(changed.version, changed.changed)

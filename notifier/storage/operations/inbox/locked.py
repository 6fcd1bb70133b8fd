"""What all changes to an inbox have in common: it is locked, and its version counts up."""

from collections.abc import Sequence
from typing import Any, ClassVar, Generic, Self, TypeVar

from notifier.errors import NotifierError
from notifier.storage.contract import Lookup, Operation, Step, WriteSession
from notifier.storage.quota import LogState

R = TypeVar("R")


class InboxOperation(Operation[R], Generic[R], frozen=True):
    """A change to the inbox of one user."""

    apart: ClassVar[bool] = True

    user_id: int

    def located(self, session: WriteSession) -> Self:
        """The same with the id, where a name says whose inbox it is."""
        return self

    def apply(
        self, session: WriteSession, state: LogState | None, now: int
    ) -> tuple[R, LogState | None]:
        """Make the change; its result, and how the log is afterwards.

        The inbox is locked and has this ``state`` before; None if its user is not active. Raises
        the NotifierError that refuses it, before anything is written.
        """
        raise NotImplementedError


def _apply(session: WriteSession, operations: Sequence[InboxOperation[Any]], now: int) -> list[Any]:
    operations = [each.located(session) for each in operations]
    user_ids = sorted({each.user_id for each in operations})
    states = session.look_up(Lookup(user_ids, (), (), api_keys=False)).inboxes
    outcomes = []
    for each in operations:
        before = states.get(each.user_id)
        try:
            outcome, after = each.apply(session, before, now)
        except NotifierError as refusal:
            outcomes.append(refusal)
            continue
        if after is not None and after != before:
            states[each.user_id] = after
            session.advance({each.user_id: after})
        outcomes.append(outcome)
    return outcomes


InboxOperation.step = Step(1, _apply)

"""What processes ask each other, all on one channel: who is connected.

::

    ["who", id, [user_id, …]]                       a question, to all
    ["here", id, {user_id: [sockets, since], …}]    an answer to it

Both are sealed like nudges (:mod:`~notifier.delivery.relay.nudges`), which they cannot be taken
for. Whoever does not know a tag does not answer.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec

from notifier.delivery.relay import MOST_ASKED
from notifier.models import Online

MAX_MESSAGE: Final = 16 * 1024
"""Bytes of a sealed message; the longest answer has a quarter of that."""

_ID: Final = 8


class Question(msgspec.Struct, array_like=True, frozen=True, tag="who"):
    """Who of these users is connected?"""

    id: bytes
    user_ids: Annotated[Sequence[int], msgspec.Meta(max_length=MOST_ASKED)]


class Answer(msgspec.Struct, array_like=True, frozen=True, tag="here"):
    """Those who are."""

    id: bytes
    """Of the question."""
    online: Annotated[Mapping[int, tuple[int, int]], msgspec.Meta(max_length=MOST_ASKED)]


encode: Final = msgspec.msgpack.Encoder().encode
decode: Final = msgspec.msgpack.Decoder(Question | Answer).decode
"""Raises msgspec.DecodeError."""


def question(user_ids: Sequence[int]) -> Question:
    """A new question."""
    return Question(os.urandom(_ID), user_ids)


def answer(asked: Question, online: Mapping[int, Online]) -> Answer:
    """The answer to ``asked``."""
    return Answer(
        asked.id, {user_id: (each.sockets, each.since) for user_id, each in online.items()}
    )


def read(answer: Answer) -> Mapping[int, Online]:
    """Who is connected to the process that answers."""
    return {user_id: Online(*each) for user_id, each in answer.online.items()}

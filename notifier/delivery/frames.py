"""Frames: what is sent, as the devices of one kind want it."""

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Frames(Generic[T]):
    """Builds the frames of one kind, each once for all devices that get it in a row."""

    def __init__(self, build: Callable[[T], bytes]) -> None:
        self._build = build
        self._last: T | None = None
        self._frame = b""

    def __call__(self, message: T) -> bytes:
        if message is not self._last:
            self._frame = self._build(message)
            self._last = message
        return self._frame

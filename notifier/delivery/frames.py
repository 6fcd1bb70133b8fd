"""Frames: a notification as the devices of one kind want it."""

from collections.abc import Callable

from notifier.models import Notification


class Frames:
    """Builds the frames of one kind, each once for all devices that get it in a row."""

    def __init__(self, build: Callable[[Notification], bytes]) -> None:
        self._build = build
        self._notification: Notification | None = None
        self._frame = b""

    def __call__(self, notification: Notification) -> bytes:
        if notification is not self._notification:
            self._frame = self._build(notification)
            self._notification = notification
        return self._frame

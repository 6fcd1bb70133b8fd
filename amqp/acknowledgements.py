"""Which deliveries of one channel to acknowledge, in as few frames as possible.

Delivery tags count 1, 2, 3 … per channel (AMQP 0-9-1 §1.8.3.13), and one frame can
acknowledge everything up to a tag. What is finished without a gap goes that way; what is
finished behind a delivery that still waits goes alone, so that nobody is held up by it.

The broker closes the channel if a tag is acknowledged twice. Hence the tag that stands
for "up to here" is always one that was not acknowledged before.
"""

from collections.abc import Iterator


class Acknowledgements:
    """Gathers those of one channel."""

    def __init__(self) -> None:
        self._low = 0
        """Everything up to this tag has been acknowledged."""
        self._gathered: set[int] = set()
        self._alone: set[int] = set()
        """Acknowledged one by one, above the low mark."""

    def add(self, tag: int) -> None:
        """The delivery ``tag`` may be acknowledged."""
        self._gathered.add(tag)

    def due(self) -> Iterator[tuple[int, bool]]:
        """What to send now: a tag, and whether it stands for all before it."""
        gathered, self._gathered = self._gathered, set()
        top = 0
        tag = self._low + 1
        while True:
            if tag in gathered:
                gathered.remove(tag)
                top = tag
            elif tag in self._alone:
                self._alone.remove(tag)
            else:
                break
            tag += 1
        self._low = tag - 1
        if top:
            yield top, True
        for tag in sorted(gathered):
            self._alone.add(tag)
            yield tag, False

"""Which deliveries of one channel may be acknowledged, in as few frames as possible.

Delivery tags count 1, 2, 3 … per channel (AMQP 0-9-1 §1.8.3.13), and one frame can
acknowledge everything up to a tag. What is settled without a gap goes that way; what is
settled behind a delivery that still waits goes alone, so that nobody is held up by it.

The broker closes the channel if a tag is acknowledged twice. Hence the tag that stands
for "up to here" is always one that was not acknowledged before.
"""

from collections.abc import Iterator


class Ledger:
    """The books of one channel."""

    def __init__(self) -> None:
        self._low = 0
        """Everything up to this tag has been acknowledged."""
        self._settled: set[int] = set()
        self._alone: set[int] = set()
        """Acknowledged one by one, above the low mark."""

    def settle(self, tag: int) -> None:
        """The delivery ``tag`` is dealt with."""
        self._settled.add(tag)

    def due(self) -> Iterator[tuple[int, bool]]:
        """Acknowledgements to send now: a tag, and whether it stands for all before it."""
        settled, self._settled = self._settled, set()
        top = 0
        tag = self._low + 1
        while True:
            if tag in settled:
                settled.remove(tag)
                top = tag
            elif tag in self._alone:
                self._alone.remove(tag)
            else:
                break
            tag += 1
        self._low = tag - 1
        if top:
            yield top, True
        for tag in sorted(settled):
            self._alone.add(tag)
            yield tag, False

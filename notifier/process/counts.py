"""What was stored, since the start, and how long that took."""

from notifier.events import Appended
from notifier.histogram import Histogram
from notifier.storage.operations.notifications import Acknowledge
from notifier.storage.writer import Commit


class Counts:
    """A listener of commits."""

    def __init__(self) -> None:
        self.sends = 0
        self.repeated = 0
        """Sends whose notification was there already."""
        self.acks = 0
        self.commit_seconds = Histogram((0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2))
        self.commit_operations = Histogram((1, 2, 5, 10, 20, 50, 100, 200, 500))

    def committed(self, commit: Commit) -> None:
        """Count what ``commit`` has stored."""
        if not commit.operations:
            return  # a look at the disk
        self.commit_seconds.observe(commit.seconds)
        self.commit_operations.observe(len(commit.operations))
        for operation, outcome in zip(commit.operations, commit.outcomes, strict=True):
            if isinstance(outcome, Appended):
                self.sends += not outcome.replayed
                self.repeated += outcome.replayed
            elif isinstance(operation, Acknowledge):
                self.acks += outcome is None

"""What the tests say when a server they need is not installed."""


class MissingServer(Exception):
    """The server of this name cannot be started here, because it is not installed.

    The test is then left out and counted, and in CI it fails.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

"""What the tests say when something they need is not here: mostly a server."""


class MissingServer(Exception):
    """The server of this name is not installed, or the checkout lacks what is named.

    The test is then left out and counted, and in CI it fails.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

"""What is said when a program is not here."""


class MissingServer(Exception):
    """The server of this name is not installed.

    A test is then left out and counted, and in CI it fails.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

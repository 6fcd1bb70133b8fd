"""What the tests say when something they need is not here: mostly a server."""


class MissingServer(Exception):
    """The server of this name is not installed.

    The test is then left out and counted, and in CI it fails.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class MissingHistory(MissingServer):
    """The checkout has not the commit of this name: a shallow clone, or an archive.

    The test is left out and counted, in CI as well: nothing that it could install brings it.
    """

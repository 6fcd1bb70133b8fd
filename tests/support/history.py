"""What is said when a test needs an older version of the program, and it is not here."""

from servers.missing import MissingServer


class MissingHistory(MissingServer):
    """The checkout has not the commit of this name: a shallow clone, or an archive.

    The test is left out and counted, in CI as well: nothing that it could install brings it.
    """

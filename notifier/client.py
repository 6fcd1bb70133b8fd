"""The client as a part of the server's installation: all of :mod:`notifier_client`."""

from notifier_client import *  # noqa: F403 - the same names, said once

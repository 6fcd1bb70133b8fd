"""What can go wrong between us and the broker.

::

    BrokerError
    ├── Disconnected       the connection or a channel has ended
    │   └── ChannelClosed  … by the broker, with a code and its own words
    └── Misconfigured      somebody has to change something; trying again alone won't help
"""


class BrokerError(Exception):
    """RabbitMQ cannot be used at the moment."""


class Disconnected(BrokerError):
    """The connection or a channel has ended."""


class ChannelClosed(Disconnected):
    """The broker closed the channel."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{text} ({code})")
        self.code = code
        self.text = text


class Misconfigured(BrokerError):
    """What exists on the broker does not fit the settings."""

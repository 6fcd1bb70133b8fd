"""What devices are told of an inbox over WebSocket, and what they can do about it."""

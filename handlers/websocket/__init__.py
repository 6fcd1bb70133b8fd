"""A WebSocket: how it is opened, what the client may send, and what is written to it."""

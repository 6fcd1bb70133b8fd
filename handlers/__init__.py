"""HTTP and WebSocket in, JSON out: parse, call one verb, write."""

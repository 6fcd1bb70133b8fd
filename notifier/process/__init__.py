"""A process from its start to its end. Only this room sees everything."""

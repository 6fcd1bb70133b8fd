"""``/api/inbox/``: what people see, read and come back to."""

"""``python -m tests.faults``: what each fault costs, on the two ways to install it."""

"""Tokens that the application signs itself, and where the keys come from that verify them."""

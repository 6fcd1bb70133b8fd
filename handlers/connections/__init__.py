"""Connections before and beside requests: who may have one, for how long, and what it may bring."""

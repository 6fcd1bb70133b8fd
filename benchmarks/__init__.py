"""Measurements, run by hand: ratios of two things in one run, and CPU per operation."""

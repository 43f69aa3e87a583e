"""Hostile input, guided by coverage: ``python -m tests.fuzz --seconds N`` prints what was tried and found."""

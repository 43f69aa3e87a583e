"""Faults injected into the real daemon as a process, and what they cost: ``python -m tests.faults`` prints the table."""

"""Queues: who waits, how long, and who is there to answer."""

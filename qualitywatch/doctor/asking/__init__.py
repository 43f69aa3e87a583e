"""Asking: each file finds out about one thing the daemon depends on, with the daemon's own connections.  Nothing is changed."""

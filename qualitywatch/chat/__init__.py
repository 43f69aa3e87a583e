"""Answers from the chat: commands and buttons. Knows the daemon only as ``room.Room``."""

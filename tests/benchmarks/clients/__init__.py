"""Clients that merely receive: each counts all events and reads two headers of every report, then says what it cost."""

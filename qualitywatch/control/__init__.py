"""The way into the running daemon for the command line: a Unix socket in its state directory."""

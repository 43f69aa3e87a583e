"""What each command does; ``cli.py`` chooses."""

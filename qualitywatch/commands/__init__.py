"""What each command does; ``cli`` chooses."""

"""The kinds of actions a remedy may be: one file each."""

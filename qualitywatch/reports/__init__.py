"""Reports of days and weeks: what was heard, what became of the calls over each trunk, and how much of it was measured."""

"""From opinions to incidents: the life of an alert, and who is told about it."""

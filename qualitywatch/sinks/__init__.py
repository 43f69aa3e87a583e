"""Series for other programs: what was measured goes to time series databases, through a spool that survives their outages."""

"""The daemon put together: the only place that knows everyone."""

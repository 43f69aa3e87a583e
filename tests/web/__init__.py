"""The HTTP server, as browsers, scripts and Prometheus see it."""

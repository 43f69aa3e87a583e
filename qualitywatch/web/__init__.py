"""Served over HTTP: the API, figures for Prometheus, probes, and the status page.  Needs the extra ``web``."""

"""Call-quality and trunk alerting for Asterisk: tells who loses packets, which way, and when a trunk is gone."""

__version__ = "0.1.0"

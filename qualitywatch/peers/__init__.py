"""Phones and qualified trunks as the PBX sees them: reachable or not, with which User-Agent, under which name."""

"""Tests of rules, written by whoever writes the rules: what the PBX says, and which alerts and messages must come of it.

``reader`` turns a YAML file into a ``Suite``, ``script`` and ``calls`` turn its events into manager messages, ``runner`` plays
them through the production pipeline and ``expectations`` compares.  Nothing here knows a rule or a kind of rule by name.
"""

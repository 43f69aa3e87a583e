"""Rules: YAML in, opinions out."""

"""One file per kind of rule; ``rules/registry.py`` names them."""

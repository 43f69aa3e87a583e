"""What is wrong with a set-up, and how to put it right: asks everything the daemon depends on, then judges the answers.

Asking (``asking``) and judging (``checks``) are apart: what was found out is a frozen value in between (``facts``).
"""

"""Judging: one check a file, each a pure function from facts to findings; ``doctor.registry`` lists them.

Every check says nothing about what an earlier one has found to be the reason: whoever cannot log in has no rights to judge.
"""

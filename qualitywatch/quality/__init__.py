"""Measuring: RTCP reports in, samples and call records out. Pure; RFC 3550 arithmetic and the ITU-T E-model."""

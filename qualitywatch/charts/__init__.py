"""Pictures of the measured past: a chart as PNG (with the extra ``charts``), or a line of Unicode blocks."""

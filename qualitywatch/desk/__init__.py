"""From alerts to incidents: grouping, inhibition, silences, maintenance, routing. Pure."""

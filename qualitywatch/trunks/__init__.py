"""Our outbound registrations: who is up, who is down, and since when."""

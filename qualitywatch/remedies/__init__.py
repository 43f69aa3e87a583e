"""What is done about alerts: remedies of rules, when they are due, and how they are taken back."""

"""What is remembered: alert state and outbox (transactional, on local disk) and measured series (any number of back ends)."""

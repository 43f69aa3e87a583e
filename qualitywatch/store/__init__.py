"""What is remembered: alerts and incidents (transactional, on local disk) and measured series (any number of back ends)."""

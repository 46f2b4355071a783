"""The load generator: traffic from one or several processes, and what became of every message."""

"""The events of :mod:`agent.events`, a family a file."""

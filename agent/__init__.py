"""Answers and places calls and publishes what happens; knows nothing of the console or of the simulator."""

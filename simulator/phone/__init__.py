"""A softphone's connection: ``WS /sim/phone``, a person with microphone and speaker in the place of a script."""

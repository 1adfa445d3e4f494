"""Speech, made and heard on this machine. Imports nothing: the process that loads espeak-ng imports this too."""

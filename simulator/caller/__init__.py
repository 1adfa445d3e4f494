"""Who is on the other end of the line: a caller who speaks from a script and listens to the answers."""

"""What a call leaves on disk, and playing it again."""

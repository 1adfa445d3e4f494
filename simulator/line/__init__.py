"""What a bad line does to a call: seeded, repeatable, in process."""

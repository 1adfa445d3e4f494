"""REST routes of the account's resources."""

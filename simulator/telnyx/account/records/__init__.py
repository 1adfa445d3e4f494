"""The resources of an account, one record type each."""

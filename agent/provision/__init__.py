"""Does by API what the vendors' guides do by hand."""

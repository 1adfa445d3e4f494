"""TeXML: fetched, parsed and run."""

"""What ``sidetone doctor`` looks at, one idea a file; each check gives findings."""

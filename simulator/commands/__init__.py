"""What `python -m simulator` can be asked to do, one module for each."""

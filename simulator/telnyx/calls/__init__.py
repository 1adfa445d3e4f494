"""Call legs, and the exchange that connects them."""

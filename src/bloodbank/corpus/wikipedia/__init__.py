"""Wikipedia dumps: fetching, reading and cleaning them."""

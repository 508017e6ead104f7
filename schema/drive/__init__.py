"""Files and what is derived from them."""

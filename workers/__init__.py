"""Jobs that outlive a request: the claim loop and what it runs."""

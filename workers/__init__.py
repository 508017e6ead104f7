"""Jobs that outlive a request: the claim loop and the handlers that it runs."""

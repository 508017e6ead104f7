"""Documents that cost a server more than they seem to, and a benchmark of that cost."""

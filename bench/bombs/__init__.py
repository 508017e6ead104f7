"""Documents that are made to cost a server more than they seem to, and what they cost."""

"""Settings of the operator: what they are, how their text is parsed, and what is checked before a start."""

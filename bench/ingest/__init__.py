"""How files come in, at several servers in alternating rounds."""

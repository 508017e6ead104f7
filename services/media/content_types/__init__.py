"""Media types by the content and the name of a file. Pure functions of bytes and text, independent of any tool."""

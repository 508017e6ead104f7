"""The client commands. They use only the public API of a server, and store nothing on this machine."""

"""Opens and closes everything that a process stands on."""

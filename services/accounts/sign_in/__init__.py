"""Sign-in with a password, which delays guesses, and the devices that have signed in before."""

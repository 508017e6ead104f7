"""Changes of what an account is trusted by: its password and its address."""

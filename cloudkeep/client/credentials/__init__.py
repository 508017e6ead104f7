"""What ``cloudkeep login`` keeps: the sessions of this user, in the system keyring or in a private file."""

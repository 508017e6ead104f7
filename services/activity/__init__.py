"""Everything that happens in an account, as one stream: changes of the drive, and progress of its uploads."""

"""The log of events: each is stored in the transaction of the change that it describes."""

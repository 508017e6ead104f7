"""The job that sends a mail of the outbox."""

"""Progress of uploads: from the event log, and from the database where that has gaps."""

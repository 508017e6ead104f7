"""Health, garbage, scrubbing, and the check that the database and the blobs agree."""

"""Health checks, garbage collection, scrubbing, and the comparison of the database with the blobs."""

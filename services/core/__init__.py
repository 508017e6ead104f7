"""What every domain uses: errors, the clock, validation, keys, signed URLs, counters."""

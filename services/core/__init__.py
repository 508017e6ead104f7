"""Modules that every domain uses: errors, the clock, validation, keys, counters."""

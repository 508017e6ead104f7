"""Rows of jobs, their notifications, and heartbeats of workers."""

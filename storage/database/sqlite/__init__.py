"""SQLite by aiosqlite."""

"""PostgreSQL by asyncpg."""

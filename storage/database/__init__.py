"""The database: engines, connections, transactions and tables."""

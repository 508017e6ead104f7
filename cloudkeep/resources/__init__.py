"""Opens and closes what a process needs: the database, Redis, the store, and the services on top of them."""

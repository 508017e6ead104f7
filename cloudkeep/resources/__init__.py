"""Opens and closes the resources of a process: the database, Redis, the blob store, and the services that use them."""

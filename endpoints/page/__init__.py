"""The page of CloudKeep and that of GraphiQL, as ``web/`` builds them: files, and the headers that belong to them."""

"""Deletes items, versions and blobs, with everything that names them."""

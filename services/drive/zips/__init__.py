"""Zip files that are made while they are downloaded."""

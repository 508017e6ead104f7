"""Measures the download of a large zip file, cut in the middle and resumed."""

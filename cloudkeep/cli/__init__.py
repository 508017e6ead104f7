"""The command line: ``cloudkeep serve``, ``worker``, ``upload``, ``doctor`` and the others."""

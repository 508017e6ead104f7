"""The settings of an operator, their parsers, and the checks before a start."""

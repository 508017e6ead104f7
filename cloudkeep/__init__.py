"""CloudKeep, a self-hosted cloud drive. This package is the composition root: it alone knows every other one."""

from importlib.metadata import version

__version__ = version("cloudkeep")

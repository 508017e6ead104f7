"""Whether this process is about to stop, for all that have to know."""

from dataclasses import dataclass


@dataclass
class Drain:
    """``begun`` once it is: others are to be asked from now on, and connections are closed after their next answer."""

    begun: bool = False

"""Logs the web pages that are refused because of their origin, by the name of the setting that would let them in."""

import logging
from time import monotonic

from cloudkeep.settings.settings import PREFIX

#: An origin is logged again after this many seconds.
REPEAT_SECONDS = 600.0
#: Origins that are logged in that time. Strangers can send any number of them.
MOST_ORIGINS = 20
#: Characters of an origin that are logged. A host name has 253 at most, and most have far fewer.
LONGEST_ORIGIN = 120

_log = logging.getLogger("cloudkeep.http")


class RefusedOrigins:
    """A log of refused origins that is bounded in lines and in memory."""

    def __init__(self) -> None:
        self._logged: dict[str, float] = {}

    def add(self, origin: str, moment: float | None = None) -> None:
        """Log an origin, unless it was logged lately or too many others were. ``moment`` is in monotonic seconds."""
        moment = monotonic() if moment is None else moment
        shown = origin[:LONGEST_ORIGIN]
        self._logged = {each: at for each, at in self._logged.items() if moment - at < REPEAT_SECONDS}
        if shown in self._logged or len(self._logged) >= MOST_ORIGINS:
            return
        self._logged[shown] = moment
        # It is a stranger's text: quoted, and every unusual character escaped.
        _log.warning("The origin %s is not in %sCORS_ORIGINS", ascii(shown), PREFIX)

"""Log records as single lines on standard error: ``2026-11-22T10:00:00Z INFO  cloudkeep.worker message``."""

import logging
import time

_OURS = ("cloudkeep", "schema", "resolvers", "endpoints", "workers", "services", "storage")


class LineFormatter(logging.Formatter):
    """UTC and one line; only a traceback, where there is one, follows on lines of its own."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-5s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Escape line ends: what came from outside must not look like a record of its own."""
        return super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")


def set_up_logging() -> None:
    """Send every record to standard error: ours from INFO on, those of the libraries from WARNING on."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(logging.INFO)

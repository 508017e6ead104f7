"""Open-file-description locks on byte ranges (fcntl(2), Linux 3.15).

Unlike POSIX record locks they belong to the open file, so they exclude two requests of one process as well as two
processes, and the kernel drops them when the file is closed, also by SIGKILL.
"""

import fcntl
import os
import struct

from storage.errors import SlotLocked

#: struct flock: l_type, l_whence, l_start, l_len, l_pid, padded to its alignment.
FLOCK = "hhqqi0q"


def lock_range(descriptor: int, start: int, length: int) -> None:
    """Lock a range for writing without waiting. Raises :class:`SlotLocked` when somebody else holds a part of it."""
    request = struct.pack(FLOCK, fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, request)
    except BlockingIOError as error:
        raise SlotLocked("another writer holds the slot") from error

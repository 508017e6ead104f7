"""A real file system whose device cannot write a file's bytes.

The device is a file on a tmpfs that has no room left. Everything of the ext4 file system in it is allocated, except for
the blocks of one file. The device fails to write these with ENOSPC, and ext4 reports that like any other error: once.
Needs root and a loop device; the caller enters a mount namespace of its own with :data:`ENTER`.
"""

import ctypes
import errno
import fcntl
import os
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

#: A command prefix. What is mounted behind it disappears with the last process there.
ENTER = ("unshare", "--mount")
MEBIBYTE = 2**20
SIZE = 48 * MEBIBYTE
#: What the tmpfs has beyond the device, which is filled.
SPARE = 8 * MEBIBYTE
#: FS_IOC_FIEMAP of linux/fiemap.h: struct fiemap and one struct fiemap_extent.
FIEMAP = 0xC020660B
HEAD, EXTENT = struct.Struct("=QQLLLL"), struct.Struct("=QQQQQLLLL")
FIEMAP_FLAG_SYNC = 1
#: FALLOC_FL_KEEP_SIZE and FALLOC_FL_PUNCH_HOLE of fallocate(2).
PUNCH_HOLE = 3


class FullDevice:
    """The file system is at ``path``."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "disk"
        self._memory = folder / "memory"
        self._image = self._memory / "image"
        self._ballast = self._memory / "ballast"
        for made in (self.path, self._memory):
            made.mkdir()
        _run("mount", "-t", "tmpfs", "-o", f"size={SIZE + SPARE}", "tmpfs", str(self._memory))
        self._image.write_bytes(bytes(SIZE))
        _run(
            "mkfs.ext4", "-q", "-b", "4096", "-E", "nodiscard,lazy_itable_init=0,lazy_journal_init=0", str(self._image)
        )
        # Written again, since mkfs may have punched holes for zeros.
        with self._image.open("r+b") as image:
            content = image.read()
            image.seek(0)
            image.write(content)
        _run("mount", "-o", "loop", str(self._image), str(self.path))

    def fail_to_write(self, file: Path) -> None:
        """Let every write to the allocated blocks of ``file`` fail from now on. Nothing was written there yet."""
        for start, length in _extents(file):
            self._punch(start, length)
        with self._ballast.open("wb", 0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(4096))

    def work_again(self) -> None:
        """Let writes succeed again."""
        self._ballast.unlink()

    def _punch(self, start: int, length: int) -> None:
        with self._image.open("r+b") as image:
            libc, offset = ctypes.CDLL(None, use_errno=True), ctypes.c_longlong
            if libc.fallocate(image.fileno(), PUNCH_HOLE, offset(start), offset(length)):
                raise OSError(ctypes.get_errno(), errno.errorcode[ctypes.get_errno()])


def _extents(file: Path) -> list[tuple[int, int]]:
    """Where the file is on its device: offsets and lengths in bytes."""
    most = 16
    request = bytearray(HEAD.pack(0, 2**64 - 1, FIEMAP_FLAG_SYNC, 0, most, 0) + bytes(most * EXTENT.size))
    with file.open("rb") as opened:
        fcntl.ioctl(opened, FIEMAP, request)
    found = HEAD.unpack_from(request)[3]
    places = (EXTENT.unpack_from(request, HEAD.size + number * EXTENT.size) for number in range(found))
    return [(physical, length) for _, physical, length, *_ in places]


def _run(*command: str) -> None:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PATH": path})

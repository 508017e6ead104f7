"""Makes the machine really have its memory, before an upload is measured.

A virtual machine may return free memory to its host. The next process that uses it pays for getting it, page by page:
on one machine up to 1.8 CPU-s for every GiB that is written to the page cache, more than everything else that a server
does. So before every upload, this module uses as much memory as the upload will fill, and frees it.
"""

import mmap

import psutil

#: From Linux's <asm-generic/mman-common.h>; Python 3.11 does not name the second.
HUGE_PAGES = 14
POPULATE = 23


def warm_memory(size: int) -> None:
    """Use ``size`` bytes of memory once, but no more than half of what is available, and free them."""
    size = min(size, psutil.virtual_memory().available // 2)
    with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        for advice in (HUGE_PAGES, POPULATE):
            try:
                memory.madvise(advice)
            except OSError:
                # An older kernel, or one without huge pages: the run is noisier, but valid.
                continue

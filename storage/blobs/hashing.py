"""Who may use the processors for a block of bytes."""

import os
import threading

#: Blocks that are hashed, and where that takes no waiting written, at once. More would only take turns on the
#: processors, and one that is put off while it holds the interpreter's lock keeps the event loop waiting for it.
PROCESSORS = threading.BoundedSemaphore(os.cpu_count() or 1)

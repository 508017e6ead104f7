"""Closes a listening socket without resetting connections that clients have already made.

The kernel completes connections by itself, and resets those that have not been accepted when the socket is closed. So
the first packets of new ones are dropped first, those that wait are accepted, and only then the socket is closed ("True
Zero Downtime HAProxy Reloads", Yelp, 2015; here by a filter on the socket itself, socket(7), SO_ATTACH_FILTER, which
needs no privileges). A client whose first packet was dropped sends it again a second later (RFC 6298, section 2.1), and
is then refused, so that a proxy tries another process.
"""

import ctypes
import select
import socket
import struct
from contextlib import suppress

_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27  # asm-generic/socket.h, which Python's socket does not name
#: Classic BPF over the TCP header: a packet with SYN and without ACK is dropped, every other one passes.
_DROP_NEW_CONNECTIONS = (
    (0x30, 0, 0, 13),  # load the byte with the flags
    (0x54, 0, 0, 0x12),  # keep SYN and ACK of it
    (0x15, 0, 1, 0x02),  # SYN alone?
    (0x06, 0, 0, 0),
    (0x06, 0, 0, 0xFFFFFFFF),
)


def block_new_connections(listener: socket.socket) -> None:
    """Drop new connections until :func:`allow_new_connections`, in every process that shares the socket.

    Those that have been started go on. Where there are no such filters, as outside Linux, nothing happens.
    """
    code = b"".join(struct.pack("=HBBI", *each) for each in _DROP_NEW_CONNECTIONS)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HP", len(_DROP_NEW_CONNECTIONS), ctypes.addressof(buffer))
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def allow_new_connections(listener: socket.socket) -> None:
    """Undo :func:`block_new_connections`; otherwise do nothing."""
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)


def is_readable(descriptor: int) -> bool:
    """Whether the kernel holds a connection for a listening socket; for any other one, bytes or the end."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))

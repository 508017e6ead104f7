"""Sizes of chunks in bytes, as the server, its clients and its stores agree on them."""

MIB = 1024 * 1024
DEFAULT_CHUNK_SIZE = 16 * MIB
#: Proxies commonly cap a request's body at 100 MB.
MAX_CHUNK_SIZE = 95 * MIB
#: The limit of S3, so that an upload fits every store.
MAX_CHUNKS = 10_000
#: The largest file that fits into chunks.
LARGEST_FILE = MAX_CHUNK_SIZE * MAX_CHUNKS


def default_chunk_size(size: int) -> int:
    """The chunk size for a file of ``size`` bytes whose client has not requested one."""
    needed = -(-size // MAX_CHUNKS)
    return max(DEFAULT_CHUNK_SIZE, -(-needed // MIB) * MIB)

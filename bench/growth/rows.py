"""Bytes that PostgreSQL takes for a row of each table that grows, its indexes included.

The database itself creates the rows, with values as long as real ones. They are in order, like UUIDv7 keys, so that
indexes are as dense as those of a server that only grows.
"""

from typing import Any

import asyncpg

from bench.growth.figure import Figure

ACCOUNTS = 100
#: A UUIDv7's first 48 bits are its milliseconds, here the row's number.
UUID = "(substr(lpad(to_hex({n}), 12, '0'), 1, 12) || '7' || '{kind}00' || '8000000000000000')::uuid"
HASH = "encode(sha256(('{kind}' || n)::bytea), 'hex')"


def _uuid(kind: int, number: str = "n") -> str:
    return UUID.format(n=number, kind=kind)


def _hash(kind: str) -> str:
    return HASH.format(kind=kind)


def _statements(uploads: int, chunks: int) -> list[tuple[str, int, dict[str, str]]]:
    """Table, number of rows, and an expression over ``n`` for each column that has no default of its own."""
    owner = _uuid(1, f"n % {ACCOUNTS}")
    upload = {"id": _uuid(2), "account_id": owner, "file_name": "'holiday-' || n || '.mp4'", "mime_type": "'video/mp4'"}
    upload |= {"size": "1073741824 + n", "chunk_size": "16777216", "sha256": _hash("f"), "status": "'READY'"}
    upload |= {"received_chunks": "64", "received_bytes": "1073741824 + n", "version_id": _uuid(4)}
    upload |= {"expires_at": "now()", "created_at": "now()"}
    chunk = {"upload_id": _uuid(2, f"n / {chunks}"), "index": f"(n % {chunks})::int", "size": "16777216"}
    chunk |= {"sha256": _hash("c"), "xxh3": "left(" + _hash("x") + ", 32)", "etag": "left(" + _hash("e") + ", 32)"}
    blob = {"id": _uuid(3), "key": _uuid(2) + "::text", "size": "1073741824", "sha256": _hash("f")}
    name = "'holiday-' || n || '.mp4'"
    root = {"id": _uuid(1), "account_id": _uuid(1), "kind": "'FOLDER'", "name": "'root'", "folded_name": "'root'"}
    root |= {"sort_key": "'root'", "starred": "false", "created_at": "now()", "updated_at": "now()"}
    item = {"id": _uuid(4), "account_id": owner, "parent_id": owner, "kind": "'FILE'", "name": name}
    item |= {"folded_name": name, "sort_key": f"({name})::bytea", "size": "1073741824", "file_kind": "'VIDEO'"}
    item |= {"version_id": _uuid(4), "starred": "false", "created_at": "now()", "updated_at": "now()"}
    file = {"id": _uuid(4), "account_id": owner, "item_id": _uuid(4), "mime_type": "'video/mp4'"}
    file |= {"blob_id": _uuid(3), "created_at": "now()", "media": "'" + MEDIA + "'"}
    job = {"id": _uuid(5), "kind": "'REASSEMBLE'", "subject_id": _uuid(2), "state": "'DONE'", "attempts": "1"}
    job |= {"run_after": "now()", "lease_owner": "'host-1234abcd-1'", "created_at": "now()"}
    account = {
        "id": _uuid(1),
        "user_id": "'user-' || n",
        "name": "'Someone'",
        "email": "'user-' || n || '@example.org'",
    }
    account |= {"password_hash": "'" + "x" * 97 + "'", "created_at": "now()"}
    return [
        ("account", ACCOUNTS, account),
        ("blob", uploads, blob | {"created_at": "now()"}),
        ("item", ACCOUNTS, root),
        ("item", uploads, item),
        ("file_version", uploads, file),
        ("upload", uploads, upload),
        ("chunk", uploads * chunks, chunk),
        ("job", uploads, job),
    ]


#: The stored facts of a video with sound.
MEDIA = '{"duration": 634.53, "width": 1920, "height": 1080, "video_codec": "h264", "audio_codec": "aac"}'


async def create(url: str, name: str) -> None:
    """Make a new database; ``url`` is that of any other one of the server."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()


async def measure(url: str, uploads: int, chunks: int) -> list[Figure]:
    """Fill an empty, migrated database with ``uploads`` files of ``chunks`` chunks, and measure it."""
    connection = await asyncpg.connect(url)
    try:
        for table, count, columns in _statements(uploads, chunks):
            await _fill(connection, table, count, columns)
        figures = [
            await _weighed(connection, table, count)
            for table, count, _ in _statements(uploads, chunks)
            if count > ACCOUNTS
        ]
    finally:
        await connection.close()
    return figures


async def _fill(connection: Any, table: str, count: int, columns: dict[str, str]) -> None:
    names, values = ", ".join(f'"{name}"' for name in columns), ", ".join(columns.values())
    rows = f"generate_series(0, {count - 1}) n"
    await connection.execute(" ".join(["INSERT INTO", table, f"({names})", "SELECT", values, "FROM", rows]))
    await connection.execute(f"VACUUM ANALYZE {table}")


async def _weighed(connection: Any, table: str, count: int) -> Figure:
    size = await connection.fetchval("SELECT pg_total_relation_size($1::regclass)", table)
    return Figure(f"row of {table}", size / count, "bytes in PostgreSQL", count)

"""Loaded by Python itself in every process of a server under test; strikes at the step that is armed.

Nothing of this is in the product. ``FAULT_FOLDER`` holds ``plan.json``, which says which functions are steps, and,
while a step is armed, ``armed.json``, which names the step and the victim. ``clocks.json`` says how far the clocks are
ahead, if they are wrong. The process that strikes creates
``taken-ID``, so that it happens once and a process that is started again goes on, and ``struck-ID`` when it is done.
Standard library and psutil only: this runs before anything else does.
"""

import functools
import gc
import importlib.abc
import importlib.machinery
import inspect
import json
import os
import re
import signal
import socket
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

FOLDER = Path(os.environ.get("FAULT_FOLDER", "/"))
#: Children of the supervisor, and of PostgreSQL, by how an argument of their command line begins.
WORDS = {"api": "api", "worker": "worker", "valkey": "valkey-server", "postgres": "postgres: cloudkeep"}

#: The functions that read a clock, by module, and whose clock it is.
CLOCKS = {
    "services.core.clock": ("host_time", "host"),
    "storage.database.connection": ("database_time", "database"),
}

#: A request, and the methods of the clients in ``_plan["clients"]`` that send statements to the database.
REQUEST = "cloudkeep.graphql.endpoint:GraphQLEndpoint._respond"
STATEMENT = "database:statement"
METHODS = (
    *("begin", "commit", "rollback", "savepoint", "release_savepoint", "savepoint_rollback"),
    *("execute_insert", "execute_many", "execute_query", "execute_query_dict", "execute_script", "fetch"),
)

_passed: Counter[str] = Counter()
#: The step that was armed when the current request began. Tasks that the request starts have it, too.
_armed_for: ContextVar[str] = ContextVar("armed_for", default="")
#: Whether a method is running that has been counted: some call each other.
_in_statement: ContextVar[bool] = ContextVar("in_statement", default=False)


def role() -> str:
    """The role of this child of the supervisor; empty for all other processes."""
    arguments = sys.orig_argv
    return (
        arguments[arguments.index("cloudkeep.supervisor.entrypoint") + 1]
        if "cloudkeep.supervisor.entrypoint" in arguments
        else ""
    )


def pass_by(target: str, moment: str, arguments: object) -> None:
    """Strike if this step is armed and no process has struck yet."""
    try:
        armed = json.loads((FOLDER / "armed.json").read_text())
    except FileNotFoundError:
        return
    if (target, moment) == (REQUEST, "before"):
        _armed_for.set(armed["id"])
    step = armed["step"]
    if (target, moment, role()) != (f"{step['module']}:{step['function']}", step["moment"], step["where"]):
        return
    if step["argument"] not in repr(arguments) or is_of_the_process(target, armed["id"]):
        return
    _passed[armed["id"]] += 1
    if _passed[armed["id"]] < step["passage"]:
        return
    try:
        (FOLDER / f"taken-{armed['id']}").open("x").close()
    except FileExistsError:
        return
    struck = FOLDER / f"struck-{armed['id']}"
    if armed["victim"] == role():
        struck.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    strike(armed["victim"])
    struck.touch()


def is_of_the_process(target: str, armed: str) -> bool:
    """Whether this is a statement that no request sends, such as one of the clock."""
    return target == STATEMENT and _armed_for.get() != armed


def strike(victim: str) -> None:
    """End another process with SIGKILL, or this one's connections to the database."""
    if victim == "database":
        cut_connections()
    else:
        kill_child(_plan["postmaster"] if victim == "postgres" else os.getppid(), WORDS[victim])


def kill_child(parent: int, word: str) -> None:
    """Kill a child of this process whose command line has this word; its parent knows when this returns."""
    import psutil

    for child in psutil.Process(parent).children():
        if any(re.search(rf"(^|/){word}( |$)", argument) for argument in child.cmdline()):
            child.kill()
            child.wait()
            return
    raise LookupError(word)


def cut_connections(*_: object) -> None:
    """Cut every connection to the database, without notice to the pool.

    A connection to SQLite is closed after the calls that wait for its thread. PostgreSQL's answers are lost, while
    what is sent in this moment still arrives: a COMMIT whose end is unknown.
    """
    for found in gc.get_objects():
        kind = f"{type(found).__module__}.{type(found).__name__}"
        if kind == "aiosqlite.core.Connection" and found._connection:
            found._tx.put_nowait((None, found._connection.close))
        elif kind == "asyncpg.connection.Connection" and not found.is_closed():
            # One that PostgreSQL has just ended cannot be cut any more.
            with suppress(OSError), found._transport.get_extra_info("socket").dup() as line:
                line.shutdown(socket.SHUT_RD)


def ahead(whose: str) -> timedelta:
    """How far a clock is ahead, according to the test."""
    try:
        return timedelta(seconds=json.loads((FOLDER / "clocks.json").read_text())[whose])
    except FileNotFoundError:
        return timedelta(0)


def with_wrong_clock(original: Callable[..., Any], whose: str) -> Callable[..., Any]:
    """The function that reads a clock, which the test has set wrong."""
    if inspect.iscoroutinefunction(original):

        async def read_later() -> Any:
            return await original() + ahead(whose)

        return read_later
    return lambda: original() + ahead(whose)


def wrapped(original: Callable[..., Any], target: str) -> Callable[..., Any]:
    """The function with a check for a strike before and after it."""
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def wrapper(*args: Any, **named: Any) -> Any:
            pass_by(target, "before", args)
            result = await original(*args, **named)
            pass_by(target, "after", args)
            return result

    else:

        @functools.wraps(original)
        def wrapper(*args: Any, **named: Any) -> Any:
            pass_by(target, "before", args)
            result = original(*args, **named)
            pass_by(target, "after", args)
            return result

    return wrapper


def counted(original: Callable[..., Any]) -> Callable[..., Any]:
    """The method of a client for databases, with a check for a strike before and after each statement."""

    @functools.wraps(original)
    async def wrapper(*args: Any, **named: Any) -> Any:
        if _in_statement.get():
            return await original(*args, **named)
        token = _in_statement.set(True)
        try:
            pass_by(STATEMENT, "before", args[1:])
            result = await original(*args, **named)
            pass_by(STATEMENT, "after", args[1:])
            return result
        finally:
            _in_statement.reset(token)

    return wrapper


class Finder(importlib.abc.MetaPathFinder):
    """Prepares modules of the plan as soon as they are loaded, before other modules import names from them."""

    def __init__(
        self, functions: dict[str, list[str]], constants: dict[str, dict[str, Any]], clients: dict[str, list[str]]
    ) -> None:
        self._functions = functions
        self._constants = constants
        self._clients = clients

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find the module as it would be found without us."""
        if not any(name in modules for modules in (self._functions, self._constants, self._clients, CLOCKS)):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        assert spec
        assert spec.loader
        load = spec.loader.exec_module

        def load_and_prepare(module: ModuleType) -> None:
            load(module)
            self._prepare(module)

        spec.loader.exec_module = load_and_prepare  # type: ignore[method-assign]
        return spec

    def _prepare(self, module: ModuleType) -> None:
        for function in self._functions.get(module.__name__, ()):
            *owners, name = function.split(".")
            owner = functools.reduce(getattr, owners, module)
            setattr(owner, name, wrapped(getattr(owner, name), f"{module.__name__}:{function}"))
        for client in self._clients.get(module.__name__, ()):
            owner = getattr(module, client)
            for name in filter(functools.partial(hasattr, owner), METHODS):
                setattr(owner, name, counted(getattr(owner, name)))
        if module.__name__ in CLOCKS:
            name, whose = CLOCKS[module.__name__]
            setattr(module, name, with_wrong_clock(getattr(module, name), whose))
        for name, value in self._constants.get(module.__name__, {}).items():
            getattr(module, name)
            setattr(module, name, value)


if any(argument.startswith("cloudkeep") for argument in sys.orig_argv):
    _plan = json.loads((FOLDER / "plan.json").read_text())
    sys.meta_path.insert(0, Finder(_plan["functions"], _plan["constants"], _plan["clients"]))
if role():
    signal.signal(signal.SIGUSR1, cut_connections)

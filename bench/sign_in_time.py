"""Measure whether response times tell which accounts exist. See docs/performance.md."""

import argparse
import random
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

from bench.clients.connection import RequestFailed
from bench.clients.user import User
from bench.contenders.cloudkeep import CloudKeep
from bench.harness.command import Result, create_parser, integer, markdown_table, parse, report_progress, run
from bench.harness.server import free_port, running

LOGIN = "mutation ($input: LoginInput!) { login(input: $input) { userErrors { code } } }"
REGISTER = "mutation ($input: RegisterInput!) { register(input: $input) { userErrors { code } } }"
RESET = "mutation ($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { userErrors { code } } }"
MUTATIONS = """{ __type(name: "Mutation") { fields { name } } }"""
WRONG = "not the password of this account"
#: No request is refused by a budget or by the limit of registrations that wait. The delays are the default.
SETTINGS = {
    "CLOUDKEEP_BUDGET_ANONYMOUS": "off",
    "CLOUDKEEP_BUDGET_ADDRESS": "off",
    "CLOUDKEEP_REGISTRATIONS": "100000/100000",
}
#: Names that are guessed until they are delayed, and the responses during each delay.
DELAYED_NAMES, DELAYED_RESPONSES = 8, 25
COLUMNS = {"request": False, "existing, ms": True, "missing, ms": True, "ratio": True}

Input = Mapping[str, str]
#: Milliseconds of requests with existing and with missing accounts.
Times = tuple[list[float], list[float]]


@dataclass(frozen=True)
class Case:
    """A request whose ``input`` gets a number and whether the account exists."""

    name: str
    document: str
    input: Callable[[int, bool], Input]


CASES = (
    Case("`login`, user ID", LOGIN, lambda number, exists: {"userId": _name(number, exists), "password": WRONG}),
    Case("`login`, address", LOGIN, lambda number, exists: {"userId": _email(number, exists), "password": WRONG}),
    Case(
        "`register`, address",
        REGISTER,
        lambda number, exists: {
            "userId": f"new-{number}-{exists}",
            "userName": "Bench",
            "email": _email(number, exists),
            "password": f"{WRONG} {number}",
        },
    ),
    Case("`requestPasswordReset`, address", RESET, lambda number, exists: {"email": _email(number, exists)}),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    parser = create_parser("bench.sign_in_time", __doc__)
    parser.add_argument("--number", type=integer(1, 10_000), default=200, metavar="N", help="requests of each kind")
    return run(parse(parser, argv), _measure)


def _measure(options: argparse.Namespace, folder: Path) -> Result:
    data = folder / "data"
    data.mkdir()
    with running(CloudKeep(settings=SETTINGS).launch(data, port := free_port()), data, port) as server:
        User.sign_up(server)
        _copy_account(data / "cloudkeep.sqlite3", max(options.number, DELAYED_NAMES))
        user = User(server.port, "")
        times = _run_cases(user, options.number)
        times["`login` during a delay"] = _run_delayed(user)
    rows = [_row(name, existing, missing) for name, (existing, missing) in times.items()]
    content = {name: {"existing": existing, "missing": missing} for name, (existing, missing) in times.items()}
    return Result(markdown_table(COLUMNS, rows), {"milliseconds": content})


def _copy_account(database: Path, number: int) -> None:
    """Store copies of the only account: to register so many would take minutes."""
    with closing(sqlite3.connect(database, timeout=30)) as connection, connection:
        connection.execute("CREATE TEMP TABLE copy AS SELECT * FROM account LIMIT 1")
        for copy in range(number):
            own = (str(uuid4()), _name(copy, True), _email(copy, True))
            connection.execute("UPDATE copy SET id = ?, user_id = ?, email = ?", own)
            connection.execute("INSERT INTO account SELECT * FROM copy")


def _run_cases(user: User, number: int) -> dict[str, Times]:
    """Send the requests of all kinds in turn, in another order each time."""
    known = {field["name"] for field in user.execute(MUTATIONS)["fields"]}
    cases = [case for case in CASES if case.name.split("`")[1] in known]
    times: dict[str, Times] = {case.name: ([], []) for case in cases}
    for one in range(number):
        for case, exists in random.sample(
            [(case, exists) for case in cases for exists in (True, False)], 2 * len(cases)
        ):
            seconds, _ = _send(user, case.document, case.input(one, exists))
            times[case.name][0 if exists else 1].append(seconds)
        if (one + 1) % 20 == 0:
            report_progress(f"{one + 1} of {number}")
    return times


def _run_delayed(user: User) -> Times:
    times: Times = ([], [])
    for one in range(DELAYED_NAMES):
        given = [{"userId": _name(one, exists), "password": WRONG} for exists in (True, False)]
        for side in given:
            while _send(user, LOGIN, side)[1] != "TOO_MANY_ATTEMPTS":
                pass
        for _ in range(DELAYED_RESPONSES):
            for place in random.sample((0, 1), 2):
                milliseconds, code = _send(user, LOGIN, given[place])
                if code == "TOO_MANY_ATTEMPTS":
                    times[place].append(milliseconds)
    return times


def _send(user: User, document: str, given: Input) -> tuple[float, str | None]:
    """The milliseconds of a request, and the code of its error. Raises :class:`RequestFailed` for other errors."""
    start = time.perf_counter()
    answer = user.http.post("/graphql", json={"query": document, "variables": {"input": given}}).json()
    milliseconds = (time.perf_counter() - start) * 1000
    code = next(_codes(answer), None)
    if code not in (None, "INVALID_CREDENTIALS", "TOO_MANY_ATTEMPTS"):
        raise RequestFailed(str(answer))
    return milliseconds, code


def _codes(answer: Mapping[str, Any]) -> Iterator[str]:
    for error in answer.get("errors", ()):
        yield error["extensions"]["code"]
    for payload in (answer.get("data") or {}).values():
        yield from (error["code"] for error in payload["userErrors"])


def _name(number: int, exists: bool) -> str:
    return f"{'known' if exists else 'never'}-{number:05}"


def _email(number: int, exists: bool) -> str:
    return f"{_name(number, exists)}@example.org"


def _row(name: str, existing: Sequence[float], missing: Sequence[float]) -> tuple[str, ...]:
    first, second = median(existing), median(missing)
    return name, f"{first:.2f}", f"{second:.2f}", f"{first / second:.3f}"


if __name__ == "__main__":
    sys.exit(main())

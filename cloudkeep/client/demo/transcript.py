"""Shows every request as it is sent, and the essential part of every response. Without a terminal it is plain text."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import httpx
from rich.console import Console
from rich.filesize import decimal
from rich.syntax import Syntax
from rich.text import Text

from cloudkeep.client.api.graphql import GraphQL, Json
from cloudkeep.client.errors import printable

HEADERS = ("Accept", "Authorization", "Content-Type", "Content-Digest")
#: Of a token or a hash, and of a list: enough to recognise it.
SHOWN_CHARACTERS, SHOWN_ITEMS = 10, 2
#: Query parameters of signed URLs, ours and S3's.
_SIGNATURE = re.compile(r"((?:signature|X-Amz-Signature|X-Amz-Security-Token)=[^&\s\"]{8})[^&\s\"]+", re.IGNORECASE)
_TOKEN = re.compile(r"[\w.+/-]{32,}=*")
#: IDs are shown whole: TypeIDs, and UUIDs.
_ID = re.compile(r"[a-z]+_[0-9a-z]{26}|[0-9a-f-]{36}")
_INDENT = "    "


class Transcript:
    """Prints to standard output. Requests begin with ``>`` and responses with ``<``, as in curl."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
        self._steps = 0

    def watch(self, http: httpx.AsyncClient) -> None:
        """Show what this client sends and receives from now on."""
        http.event_hooks = {"request": [self._show_request], "response": [self._show_response]}

    def step(self, title: str, sentence: str) -> None:
        """Begin a step. The sentence says in plain words what happens next."""
        self._steps += 1
        self.console.print(Text(f"\n{self._steps}. {title}", style="bold"))
        self.console.print(sentence)

    def note(self, text: str, style: str = "") -> None:
        """Print a line of the demo itself."""
        self.console.print(Text(text, style=style))

    def event(self, value: Json) -> None:
        """Show an event of a subscription."""
        self._line("<", f"event {json.dumps(shortened(value), ensure_ascii=False)}", "cyan")

    async def _show_request(self, request: httpx.Request) -> None:
        self._line(">", f"{request.method} {shortened(str(request.url))}", "bold cyan")
        for name in HEADERS:
            if (value := request.headers.get(name, "*/*")) != "*/*":
                self._line(">", f"{name}: {_TOKEN.sub(_beginning, value)}", "dim")
        if request.method == "PUT":
            self._line(">", f"({decimal(int(request.headers['Content-Length']))} of the file)", "dim")
        elif request.method == "POST":
            body = json.loads(request.content)
            self._block(body["query"], "graphql")
            if body["variables"]:
                self._block(json.dumps(shortened(body["variables"]), indent=2, ensure_ascii=False), "json")

    async def _show_response(self, response: httpx.Response) -> None:
        status, style = f"{response.status_code} {response.reason_phrase}", "green" if response.is_success else "red"
        if "json" not in (content_type := response.headers.get("content-type", "")):
            length = response.headers.get("content-length")
            self._line("<", f"{status}, {content_type}" + (f", {length} bytes" if length else ""), style)
            return
        await response.aread()
        body = shortened(response.json())
        if response.request.method != "POST":
            self._line("<", f"{status} {json.dumps(body, ensure_ascii=False)}", style)
            return
        self._line("<", status, style)
        self._block(json.dumps(body.get("data") or body, ensure_ascii=False, indent=2), "json")

    def _line(self, mark: str, text: str, style: str) -> None:
        self.console.print(Text(f"  {mark} {printable(text)}", style=style))

    def _block(self, text: str, language: str) -> None:
        lines = "\n".join(f"{_INDENT}{printable(line)}" for line in text.splitlines())
        is_colored = self.console.is_terminal and self.console.color_system
        self.console.print(_highlighted(lines, language) if is_colored else lines)


class ShownGraphQL(GraphQL):
    """GraphQL whose subscriptions show their events in a transcript. The HTTP client's hooks show everything else."""

    def __init__(self, http: httpx.AsyncClient, url: str, transcript: Transcript) -> None:
        super().__init__(http, url)
        self._transcript = transcript

    async def subscribe(self, document: str, variables: Json, token: str | None) -> AsyncGenerator[Any, None]:
        """See :class:`GraphQL`."""
        async with aclosing(super().subscribe(document, variables, token)) as values:
            async for value in values:
                self._transcript.event(value)
                yield value


def shortened(value: Any) -> Any:
    """The JSON value with only the beginning of tokens, hashes, signatures and long lists."""
    if isinstance(value, dict):
        return {key: shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        rest = [f"... and {len(value) - SHOWN_ITEMS} more"] if len(value) > SHOWN_ITEMS + 1 else value[SHOWN_ITEMS:]
        return [*map(shortened, value[:SHOWN_ITEMS]), *map(shortened, rest)]
    if not isinstance(value, str):
        return value
    if value.startswith(("http:", "https:")):
        return _SIGNATURE.sub(r"\1...", value)
    return _TOKEN.sub(_beginning, value) if _TOKEN.fullmatch(value) and not _ID.fullmatch(value) else value


def _beginning(match: re.Match[str]) -> str:
    return f"{match[0][:SHOWN_CHARACTERS]}..."


def _highlighted(text: str, language: str) -> Text:
    highlighted = Syntax(text, language, theme="ansi_dark", background_color="default").highlight(text)
    highlighted.rstrip()
    return highlighted

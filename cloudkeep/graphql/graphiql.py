"""GraphiQL: Strawberry's page, with an additional script that shows the cost of operations."""

from pathlib import Path

from starlette.responses import HTMLResponse, Response
from strawberry.http.ides import get_graphql_ide_html

#: The script wraps fetch and WebSocket, with which GraphiQL sends requests, so it has to be loaded before GraphiQL.
COST_SCRIPT = Path(__file__).with_name("graphiql_cost.js").read_text("utf-8")
#: The page may use a session cookie, so no page of another origin may show it in a frame and lead clicks to it.
NOT_FRAMED = {"Content-Security-Policy": "frame-ancestors 'none'", "X-Frame-Options": "DENY"}
_PAGE = (
    get_graphql_ide_html("graphiql")
    .replace("<title>Strawberry GraphiQL</title>", "<title>CloudKeep GraphiQL</title>", 1)
    .replace("<head>", f"<head>\n<script>\n{COST_SCRIPT}</script>", 1)
)


def graphiql() -> Response:
    """The page of GraphiQL."""
    return HTMLResponse(_PAGE, headers=NOT_FRAMED)

"""GraphiQL, in the page that comes with Strawberry, and beside it what was run costs."""

from pathlib import Path

from starlette.responses import HTMLResponse, Response
from strawberry.http.ides import get_graphql_ide_html

#: Wraps what GraphiQL talks by, so that it has to be there first.
COST_SCRIPT = Path(__file__).with_name("graphiql_cost.js").read_text("utf-8")
_PAGE = (
    get_graphql_ide_html("graphiql")
    .replace("<title>Strawberry GraphiQL</title>", "<title>CloudKeep GraphiQL</title>", 1)
    .replace("<head>", f"<head>\n<script>\n{COST_SCRIPT}</script>", 1)
)


def graphiql() -> Response:
    """The page."""
    return HTMLResponse(_PAGE)

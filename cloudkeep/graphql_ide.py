"""GraphiQL, in the page that comes with Strawberry."""

from starlette.responses import HTMLResponse, Response
from strawberry.http.ides import get_graphql_ide_html

_PAGE = get_graphql_ide_html("graphiql")


def graphiql() -> Response:
    """The page."""
    return HTMLResponse(_PAGE)

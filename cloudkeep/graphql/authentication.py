"""Signs in the viewer of a request or of a WebSocket."""

from starlette.requests import HTTPConnection

from cloudkeep.graphql.request import bearer_token
from endpoints.state import address_of, base_url_of, services_of
from resolvers.context import RequestContext
from services.accounts.errors import Unauthenticated
from services.core.errors import DATABASE_AWAY, refusal_of
from services.core.log_context import bind_log_context


async def request_context(connection: HTTPConnection, authorization: str) -> RequestContext:
    """The context of a request with this ``Authorization`` header. It says why a token is not accepted."""
    services = services_of(connection)
    context = RequestContext(services, address_of(connection), base_url_of(connection))
    context.user_agent = connection.headers.get("user-agent")
    token = bearer_token(authorization)
    if token:
        try:
            context.authenticated = await services.authentication.by_bearer_token(token, context.client)
            bind_log_context(account_id=context.authenticated.account_id)
        except (Unauthenticated, *DATABASE_AWAY) as error:
            context.token_error = refusal_of(error)
    return context

"""The ASGI application."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from cloudkeep.graphql.endpoint import GraphQLEndpoint
from cloudkeep.http.allowed_hosts import AllowedHosts
from cloudkeep.http.client_limit import ClientLimit
from cloudkeep.http.cors import with_cors
from cloudkeep.http.error_pages import ErrorPages
from cloudkeep.http.fair_start import FairStart
from cloudkeep.http.host_check import HostCheck
from cloudkeep.http.instrumentation import InstrumentationMiddleware
from cloudkeep.http.missing_pages import http_error_handler
from cloudkeep.http.proxy_headers import ProxyHeaders
from cloudkeep.http.security_headers import SecurityHeaders
from cloudkeep.http.storage_origins import storage_origins
from cloudkeep.resources.mail import load_mail_templates
from cloudkeep.resources.resources import connected_database
from cloudkeep.resources.services import open_services
from cloudkeep.server.shutdown import Drain, ShutdownMiddleware
from cloudkeep.settings.preflight import StartupError
from cloudkeep.settings.settings import PREFIX, Settings
from cloudkeep.telemetry import metric_catalogue
from cloudkeep.telemetry.metrics import Metrics
from endpoints import problems
from endpoints.body_timeouts import BodyTimeouts
from endpoints.downloads.blocks import BlockBudget
from endpoints.downloads.zips import ZIP_MEMORY, ZIP_MEMORY_PER_ADDRESS
from endpoints.page.folder import page_folder
from endpoints.page.page import Page
from endpoints.page.policies import Policies
from endpoints.response_timeouts import ResponseTimeouts
from endpoints.routes import ROUTES, EndpointOptions
from endpoints.state import State
from schema.build import build_schema
from schema.execution.engine import Schema
from schema.execution.persisted_documents import TrustedDocuments, TrustedDocumentsError
from services.budgets.connections import ConnectionLimiter
from services.budgets.request_memory import RequestMemory
from services.core.counters import ConnectionCounters, Counters
from services.core.errors import DATABASE_AWAY, CloudKeepError
from services.mail.templates import MailTemplates
from storage.errors import NoSpace, StoreUnavailable


def create_app(
    settings: Settings,
    drain: Drain | None = None,
    connections: ConnectionCounters | None = None,
    folder: Path | None = None,
) -> ASGIApp:
    """The application of one API process. ``/readyz`` reports that it is not ready as soon as ``drain`` has started.

    ``connections`` are the counters of its server. The page is in ``folder``, or else where it is built. The app
    connects to the database and Redis when the lifespan starts. Raises :class:`StartupError`.
    """
    drain, connections = drain or Drain(), connections or ConnectionCounters()
    schema = build_schema(settings.max_operation_cost)
    if settings.trusted_documents:
        schema.trust(_trusted_documents(settings.trusted_documents, schema, exclusive=settings.trusted_documents_only))

    counters, websockets, memory = Counters(), ConnectionLimiter(settings.websockets), RequestMemory()
    metrics = Metrics(
        lambda: metric_catalogue.samples_of(counters),
        lambda: metric_catalogue.samples_of_connections(connections),
        lambda: metric_catalogue.samples_of_websockets(websockets),
        lambda: metric_catalogue.samples_of_request_memory(memory),
        lambda: metric_catalogue.samples_of_process("api"),
    )
    page = Page(folder or page_folder(), Policies(storage_origins(settings)))
    options = EndpointOptions(
        graphql=GraphQLEndpoint(schema, websockets, settings.public_url, settings.cors_origins, memory, page.graphiql),
        body_timeouts=BodyTimeouts(settings.body_stall_timeout, settings.body_min_rate),
        is_stopping=lambda: drain.started,
        exposition=metrics.exposition,
        metrics_networks=settings.metrics_networks,
        page=page,
    )
    app = Starlette(
        routes=[each for route in ROUTES for each in route.starlette_routes(options)],
        lifespan=_lifespan(settings, counters, metrics, load_mail_templates(settings)),
        exception_handlers={
            CloudKeepError: problems.refusal_response,
            **dict.fromkeys((NoSpace, StoreUnavailable, *DATABASE_AWAY), problems.refusal_response),
            HTTPException: http_error_handler(page),
            Exception: problems.internal_error_response,
        },
    )
    limited_app = ClientLimit(ShutdownMiddleware(app, drain), ConnectionLimiter(settings.connections), connections)
    app_with_cors = with_cors(settings.cors_origins, limited_app)
    checked_app = HostCheck(app_with_cors, AllowedHosts(settings.public_url, settings.allowed_hosts))
    instrumented_app = InstrumentationMiddleware(FairStart(ErrorPages(checked_app)), counters, settings.access_log)
    protected_app = SecurityHeaders(instrumented_app, settings.public_url)
    return ProxyHeaders(protected_app, settings.trusted_proxies, settings.proxy_header)


def _lifespan(
    settings: Settings, counters: Counters, metrics: Metrics, templates: MailTemplates
) -> Callable[[Starlette], AbstractAsyncContextManager[State]]:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[State]:
        async with (
            connected_database(settings),
            open_services(settings, counters, templates) as services,
            metrics.running(
                lambda: metric_catalogue.samples_of_budgets(services.budgets.counters),
                lambda: metric_catalogue.samples_of_subscriptions(services.subscription_leases),
                lambda: metric_catalogue.samples_of_events(services.events, "api"),
                query=metric_catalogue.samples_of_database,
            ),
        ):
            timeouts = ResponseTimeouts(settings.response_stall_timeout, settings.response_min_rate)
            yield {
                "services": services,
                "response_timeouts": timeouts,
                "block_budget": BlockBudget(),
                "zip_budget": BlockBudget(ZIP_MEMORY, ZIP_MEMORY_PER_ADDRESS),
            }

    return lifespan


def _trusted_documents(path: Path, schema: Schema, *, exclusive: bool) -> TrustedDocuments:
    try:
        return TrustedDocuments.load(path, lambda text: schema.documents.prepare(text).errors, exclusive=exclusive)
    except TrustedDocumentsError as error:
        raise StartupError(f"{PREFIX}TRUSTED_DOCUMENTS: {error}") from None

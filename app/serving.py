"""Puts the server together: the page, what it asks, and the guard around both; and listens."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from app.api import routes
from app.guard import Guard, Hosts, Windows
from app.insights.endpoints import Backend
from app.insights.mount import Allowed, mount_insights
from app.insights.source import Source
from app.monai_label.desk import LabelDesk
from app.monai_label.routes import label_routes
from app.mounting import mount
from app.people.gate import SIGN_IN, Gate
from app.people.office import AccountsOffice
from app.people.routes import sign_in_routes
from app.people.start import People
from app.service import Service
from app.settings import Settings, UsageError
from app.store import FeedbackRepository
from app.study.server import StudyServer
from app.ui import ACCOUNTS_PAGE, PAGE, STUDY_PAGE, head, shell
from app.uploads import Uploads

PATIENCE_S = 5  # for requests under way when the server is told to stop


def build(
    service: Service,
    settings: Settings,
    folder: Path,
    people: People,
    studies: StudyServer | None = None,
) -> ASGIApp:
    """The whole application.

    Args:
        service: what the page can ask.
        settings: of the deployment.
        folder: a private one for uploads on their way in.
        people: how it is told who asks.
        studies: what answers the requests of studies; None for a server without them.
    """
    uploads = Uploads(folder, settings.upload_limit_mb * 1_000_000)
    office = (
        None if people.accounts is None else AccountsOffice(people.accounts, service.lanes.sign_in, people.by)
    )
    labels = LabelDesk(service.engine, service.lanes, service.archive.archive, settings.upload_limit_mb)
    app = Starlette(
        routes=[
            *routes(service, Windows(), uploads, people.identities, studies, office),
            *_sign_in(people, service),
            *label_routes(labels, people.identities, people.sign_ins, uploads, service.lanes.sign_in),
            Route("/study", _page(STUDY_PAGE)),
            Route("/accounts", _page(ACCOUNTS_PAGE)),
            Mount("/page", StaticFiles(directory=PAGE)),
        ]
    )
    if studies is not None:  # before the page, which is mounted at the root and would hide them
        backend = Backend(
            service.engine,
            FeedbackRepository(studies.database),
            Source(studies.database),
            service.lanes,
            people.identities,
            settings.upload_limit_mb,
        )
        mount_insights(app, backend, settings, folder)
    mount(app, shell(), "/", settings, head())
    allowed = Allowed(app, people.identities, uploads.limit)
    behind = Gate(allowed, people.identities) if people.sign_in else allowed
    return Guard(behind, Hosts(settings.host, settings.host_names), settings.guests)


def _sign_in(people: People, service: Service) -> list[Route]:
    if not people.sign_in:
        return [Route(SIGN_IN, RedirectResponse("/", 303))]
    return sign_in_routes(people.identities, people.sign_ins, service.lanes.sign_in)


def _page(path: Path) -> Callable[[Request], Awaitable[FileResponse]]:
    """A page that is the same for everybody."""

    async def page(request: Request) -> FileResponse:
        return FileResponse(path, media_type="text/html")

    return page


def listen(host: str, port: int) -> socket.socket:
    """A socket on which the server listens.

    Raises:
        UsageError: the address is not one of this machine, or the port is taken.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=128)
    except OSError as error:
        raise UsageError(
            f"Nothing can listen on {host} port {port} ({error.strerror}); "
            "choose others with --host and --port."
        ) from error


def serve(app: ASGIApp, listening: socket.socket) -> None:
    """Answers until it is told to stop (SIGINT or SIGTERM).

    Nothing that a proxy says of the client is believed, and nothing is logged of requests.
    """
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=PATIENCE_S,
    )
    uvicorn.Server(config).run(sockets=[listening])

"""Puts the server together: the page, what it asks, and the guard around both; and listens."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import gradio as gr
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp
from uvicorn.config import LOGGING_CONFIG

from app.api import routes
from app.archive_search.absent import no_archive_page
from app.archive_search.mount import mount_search
from app.guard import Guard, Hosts, Windows
from app.guard.doors import API
from app.insights.endpoints import Backend
from app.insights.mount import Allowed, mount_insights
from app.insights.source import Source
from app.monai_label.desk import LabelDesk
from app.monai_label.routes import label_routes
from app.mounting import PAGES, WITHOUT_ARCHIVE, mount
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
from app.watching.drain import Drain
from app.watching.health import Health
from app.watching.logs import write_logs
from app.watching.metrics import Metrics, Parts
from app.watching.watch import Watch

if TYPE_CHECKING:  # what it needs is loaded where an archive is searched
    from app.archive_search.desk import SearchDesk

PATIENCE_S = 1  # for streams that last when all else has ended: nothing is lost with them


def build(
    service: Service,
    settings: Settings,
    folder: Path,
    people: People,
    studies: StudyServer | None = None,
    *,
    search: SearchDesk | None = None,
    drain: Drain | None = None,
    has_model: Callable[[], bool] = lambda: True,
) -> ASGIApp:
    """The whole application.

    Args:
        service: what the page can ask.
        settings: of the deployment.
        folder: a private one for uploads on their way in.
        people: how it is told who asks.
        studies: what answers the requests of studies; None for a server without them.
        search: what searches an archive; None for a server that has none, whose page then says so.
        drain: which knows when the server is told to stop; one of its own if not given.
        has_model: whether the model has all that it answers with.
    """
    uploads = Uploads(folder, settings.upload_limit_mb * 1_000_000)
    office = (
        None
        if people.accounts is None
        else AccountsOffice(people.accounts, service.lanes.sign_in, people.by, search is not None)
    )
    labels = LabelDesk(service.in_use, service.lanes, service.archive.archive, settings.upload_limit_mb)
    asked = routes(service, Windows(), uploads, people.identities, studies, office, search)
    app = Starlette(
        routes=[
            *asked,
            *_sign_in(people, service),
            *label_routes(labels, people.identities, people.sign_ins, uploads, service.lanes.sign_in),
            Route("/study", _page(STUDY_PAGE)),
            Route("/accounts", _page(ACCOUNTS_PAGE)),
            Mount("/page", StaticFiles(directory=PAGE)),
        ]
    )
    if studies is not None:  # before the page, which is mounted at the root and would hide them
        backend = Backend(
            service.in_use,
            FeedbackRepository(studies.database),
            Source(studies.database),
            service.lanes,
            people.identities,
            settings.upload_limit_mb,
        )
        pages = WITHOUT_ARCHIVE if search is None else tuple(PAGES)
        mount_insights(app, backend, settings, folder, studies.shelf, pages)
    mount_search(app, _search_page(search), settings)
    mount(app, shell(), "/", settings, head())
    allowed = Allowed(app, people.identities, uploads.limit)
    behind = Gate(allowed, people.identities) if people.sign_in else allowed
    watch = _watch(behind, service, settings, studies, drain or Drain(service.lanes.store), has_model, asked)
    return Guard(watch, Hosts(settings.host, settings.host_names), settings.guests)


def _search_page(search: SearchDesk | None) -> gr.Blocks:
    if search is None:
        return no_archive_page()
    from app.archive_search.page import search_page

    return search_page(search)


def _watch(
    behind: ASGIApp,
    service: Service,
    settings: Settings,
    studies: StudyServer | None,
    drain: Drain,
    has_model: Callable[[], bool],
    asked: Sequence[Route],
) -> Watch:
    ahead = studies.ahead if studies else None
    health = Health(
        has_model,
        service.readings.check_writable,
        (lambda: ahead.is_alive) if ahead else None,
        drain,
    )
    metrics = Metrics(Parts(service.lanes, service.sessions, ahead), lambda: health.facts().ready == "yes")
    names = [route.path.removeprefix(API) for route in asked]
    token = settings.metrics_token.get_secret_value() if settings.metrics_token else ""
    return Watch(behind, health, metrics, drain, names, token)


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


def serve(app: ASGIApp, listening: socket.socket, drain: Drain, *, json_logs: bool = False) -> None:
    """Answers until it is told to stop (SIGINT or SIGTERM): then what is under way is finished first.

    Nothing that a proxy says of the client is believed, and of requests nothing is logged that names anybody.
    """
    if json_logs:
        write_logs()
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=PATIENCE_S,
        log_config=None if json_logs else LOGGING_CONFIG,
    )
    _Server(config, drain).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Told to stop, it goes on answering until what was under way has ended; told twice, it stops at once."""

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain
        self._told: int | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The handler of signals."""
        if self._told is None and self.started:
            self._told = sig
            self._drain.begin()
        else:
            super().handle_exit(sig, frame)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to stop now."""
        if self._told is not None and not self.should_exit and self._drain.is_over():
            super().handle_exit(self._told, None)
        return await super().on_tick(counter)

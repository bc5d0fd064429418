"""The page's requests over HTTP: token, body and reply of each, and every error as one sentence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from app.endpoints import Answering, WindowError, answered, body_of, endpoint
from app.film import Opened
from app.guard.doors import API
from app.guard.windows import HEADER, Windows
from app.people.account_requests import account_requests
from app.people.identity import Identities, OnlyPerson, Person
from app.people.office import AccountsOffice
from app.personal import PersonalRequest
from app.replies import Reply, WindowReply
from app.requests import (
    AskRequest,
    CloseRequest,
    CompareRequest,
    EmptyRequest,
    ExploreRequest,
    ExportRequest,
    FilmRequest,
    FilmsRequest,
    FindRequest,
    HitRequest,
    JudgedRequest,
    LookRequest,
    MapsRequest,
    OfReaderRequest,
    OpenExampleRequest,
    OpenRequest,
    ReceivedFilmRequest,
    ResultsRequest,
    SaveRequest,
    WindowRequest,
    WithdrawRequest,
    read_request,
)
from app.service import Service
from app.study.replies import OpenedCase
from app.study.routes import study_requests
from app.study.server import StudyServer
from app.uploads import Uploads, limited

if TYPE_CHECKING:  # what it needs is loaded where an archive is searched
    from app.archive_search.desk import SearchDesk

OPTIONS_HEADER = "x-patch-clip-options"  # of a request whose body is a file: the rest of it, as JSON
BYTES = "application/octet-stream"
FILM = "application/x-patch-clip-film"  # an opened study, followed by its film: see app.film

Whole = Reply | Opened | OpenedCase | bytes
Read = Callable[[], bytes]  # gives a file that was sent, and lets go of it


def routes(
    service: Service,
    windows: Windows,
    uploads: Uploads,
    identities: Identities,
    studies: StudyServer | None = None,
    accounts: AccountsOffice | None = None,
    search: SearchDesk | None = None,
) -> list[Route]:
    """One route for each request of the page.

    Args:
        service: what the page can ask.
        windows, uploads: of the server.
        identities: by whom everybody's rows are told apart; with `OnlyPerson` they are not.
        studies: what answers the requests of studies; None for a server without them.
        accounts: what answers those of accounts; None for a server without them.
        search: what gives the films of hits; None for a server that searches no archive.
    """
    signs_in = not isinstance(identities, OnlyPerson)

    def person_of(request: Request) -> Person | None:
        """Whose rows the reply may hold; None where nobody needs to sign in."""
        return identities.person(request) if signs_in else None

    def window_of(request: Request) -> str:
        token = request.headers.get(HEADER, "")
        if not windows.knows(token, identities.person(request).id):
            raise WindowError(
                "This window is not known to the server, which may have been restarted; reload the page."
            )
        return token

    async def window(request: Request) -> Reply:
        asked = read_request(WindowRequest, await body_of(request) or b"{}")
        browser = windows.browser(asked.browser)
        return WindowReply(window=windows.issue(browser, identities.person(request).id), browser=browser)

    def file(kind: Any, method: Callable[[str, Read, Any], Awaitable[Whole]]) -> Answering:
        return personal_file(kind, lambda window, _, read, options: method(window, read, options))

    def personal_file(
        kind: Any, method: Callable[[str, Person | None, Read, Any], Awaitable[Whole]]
    ) -> Answering:
        async def answer(request: Request) -> Reply | Response:
            token = window_of(request)
            options = read_request(kind, request.headers.get(OPTIONS_HEADER, "{}").encode())
            too_large = (
                f"The file is larger than {service.upload_limit_mb} MB, the limit of this server; "
                "choose a single radiograph."
            )
            async with uploads.receive(token, limited(request.stream(), uploads.limit, too_large)) as read:
                return _whole(await method(token, person_of(request), read, options))

        return answer

    def json(kind: Any, method: Callable[[str, Any], Awaitable[Whole]]) -> Answering:
        return personal(kind, lambda window, _, asked: method(window, asked))

    def personal(kind: Any, method: Callable[[str, Person | None, Any], Awaitable[Whole]]) -> Answering:
        async def answer(request: Request) -> Reply | Response:
            token = window_of(request)
            return _whole(await method(token, person_of(request), read_request(kind, await body_of(request))))

        return answer

    def of_person(asked: PersonalRequest) -> Answering:
        async def answer(request: Request) -> Reply | Response:
            window_of(request)
            person = identities.person(request)
            return _whole(await asked.method(person, read_request(asked.kind, await body_of(request))))

        return answer

    answering: dict[str, Answering] = {
        "window": window,
        "start": personal(EmptyRequest, service.start),
        "open_upload": personal_file(OpenRequest, service.open_upload),
        "open_example": personal(OpenExampleRequest, service.open_example),
        "received": json(EmptyRequest, service.received.list),
        "received_film": json(ReceivedFilmRequest, service.received.film),
        "archive_find": json(FindRequest, service.archive.find),
        "archive_films": json(FilmsRequest, service.archive.films),
        "archive_film": json(FilmRequest, service.archive.film),
        "look": personal(LookRequest, service.look),
        "close": json(CloseRequest, service.close),
        "ask": json(AskRequest, service.ask),
        "compare": json(CompareRequest, service.maps.compare),
        "maps": json(MapsRequest, service.maps.packed),
        "results": file(ResultsRequest, service.results.packed),
        "store_results": file(ResultsRequest, service.results.store),
        "explore": json(ExploreRequest, service.explore),
        "save": personal(SaveRequest, service.readings.save),
        "withdraw": personal(WithdrawRequest, service.readings.withdraw),
        "judged": personal(JudgedRequest, service.readings.judged_by),
        "history": personal(OfReaderRequest, service.readings.history),
        "export": personal(ExportRequest, service.readings.export),
    }
    requests = {} if studies is None else study_requests(studies.desk, studies.office)
    requests |= {} if accounts is None else account_requests(accounts)
    answering |= {name: of_person(asked) for name, asked in requests.items()}
    if search is not None:
        answering["search_film"] = json(HitRequest, search.film)
    return [Route(API + name, endpoint(name, answer), methods=["POST"]) for name, answer in answering.items()]


def _whole(reply: Whole) -> Reply | Response:
    if isinstance(reply, Opened):
        return StreamingResponse(reply.body(_last), media_type=FILM)
    if isinstance(reply, OpenedCase):
        return Response(reply.body(), media_type=FILM)
    return Response(reply, media_type=BYTES) if isinstance(reply, bytes) else reply


async def _last(reply: Awaitable[Reply]) -> bytes:
    """The end of a reply that has begun, where no status can be given any more."""
    return bytes((await answered("open", reply)).body)

"""Signing in and out over HTTP, and the page for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from app.endpoints import Answering, body_of, endpoint, response
from app.guard.doors import API
from app.lanes import Lane
from app.people.cookie import hand_over, secret_of, take_away
from app.people.gate import SIGN_IN
from app.people.identity import Identities, NotAllowedError, NotSignedInError, Person
from app.people.messages import (
    ChoosePasswordRequest,
    LinkReply,
    OwnPasswordRequest,
    PersonalLinkRequest,
    SignInRequest,
    SignInStateReply,
)
from app.people.passwords import SHORTEST
from app.people.sign_in import SignedIn, SignIns
from app.replies import DoneReply, PersonReply, Reply
from app.requests import EmptyRequest, read_request

PAGE = Path(__file__).resolve().parents[1] / "page" / "sign_in.html"


def sign_in_routes(identities: Identities, sign_ins: SignIns | None, lane: Lane) -> list[Route]:
    """The page and its requests.

    Args:
        identities: who asks.
        sign_ins: or None, where another program has people sign in.
        lane: hashing a password takes time and 64 MiB.
    """

    async def state(request: Request) -> Reply:
        person, note = await lane.run(lambda: _who(identities, request))
        return SignInStateReply(
            by="password" if sign_ins else "proxy", person=person, note=note, shortest=SHORTEST
        )

    def signing_in(kind: Any, work: Callable[[SignIns, Any, str], SignedIn]) -> Answering:
        async def answer(request: Request) -> Response:
            asked = read_request(kind, await body_of(request))
            mine, address, before = _required(sign_ins), _address(request), secret_of(request)
            signed = await lane.run(lambda: work(mine, asked, address))
            if before:
                await lane.run(lambda: mine.end(before))
            reply = response(_told(signed.person))
            hand_over(reply, request, signed.token, signed.lasts)
            return reply

        return answer

    async def link(request: Request) -> Reply:
        asked = read_request(PersonalLinkRequest, await body_of(request))
        mine, address = _required(sign_ins), _address(request)
        facts = await lane.run(lambda: mine.link(asked.link, address))
        return LinkReply(name=facts.name, chooses_password=facts.purpose == "password")

    async def own_password(request: Request) -> Response:
        asked = read_request(OwnPasswordRequest, await body_of(request))
        person, mine = identities.person(request), _required(sign_ins)
        signed = await lane.run(
            lambda: mine.change_password(person, asked.current, asked.password, _address(request))
        )
        reply = response(_told(signed.person))
        hand_over(reply, request, signed.token, signed.lasts)
        return reply

    async def sign_out(request: Request) -> Response:
        read_request(EmptyRequest, await body_of(request) or b"{}")
        mine, secret = _required(sign_ins), secret_of(request)
        await lane.run(lambda: mine.end(secret))
        reply = response(DoneReply())
        take_away(reply, request)
        return reply

    async def page(request: Request) -> Response:
        return FileResponse(PAGE, media_type="text/html")

    answering: dict[str, Answering] = {
        "sign_in_state": state,
        "sign_in": signing_in(
            SignInRequest, lambda mine, asked, address: mine.by_password(asked.name, asked.password, address)
        ),
        "sign_in_link": link,
        "sign_in_by_link": signing_in(
            PersonalLinkRequest, lambda mine, asked, address: mine.by_link(asked.link, address)
        ),
        "choose_password": signing_in(
            ChoosePasswordRequest,
            lambda mine, asked, address: mine.choose_password(asked.link, asked.password, address),
        ),
        "own_password": own_password,
        "sign_out": sign_out,
    }
    return [
        Route(SIGN_IN, page),
        *(Route(API + name, endpoint(name, answer), methods=["POST"]) for name, answer in answering.items()),
    ]


def _who(identities: Identities, request: Request) -> tuple[PersonReply | None, str]:
    try:
        return _told(identities.person(request)), ""
    except NotSignedInError:
        return None, ""
    except NotAllowedError as error:
        return None, str(error)


def _told(person: Person) -> PersonReply:
    return PersonReply(name=person.name, role=person.role)


def _required(sign_ins: SignIns | None) -> SignIns:
    if sign_ins is None:
        raise NotAllowedError("People sign in to this server elsewhere; use your site's own sign-in.")
    return sign_ins


def _address(request: Request) -> str:
    return request.client.host if request.client else ""

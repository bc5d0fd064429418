"""The MONAI Label protocol over HTTP: what 3D Slicer's module and OHIF's extension ask of a server.

After the public interface of the MONAI Label server (github.com/Project-MONAI/MONAILabel); what only
serves to label and train is answered with a sentence.
"""

from __future__ import annotations

import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from urllib3.filepost import encode_multipart_formdata

from app.endpoints import Answering, endpoint, response
from app.lanes import Lane
from app.monai_label.bodies import Form, fields_of, form_of
from app.monai_label.desk import Inference, LabelDesk
from app.monai_label.held import IDLE_S, NotHeldError
from app.monai_label.messages import (
    AuthReply,
    ImageReply,
    ImagesReply,
    SessionInfo,
    SessionReply,
    TokenReply,
    UserReply,
    read_params,
)
from app.people.identity import Identities, NotAllowedError
from app.people.sign_in import SignIns
from app.replies import DoneReply, Reply
from app.requests import RequestError
from app.uploads import Uploads
from patchclip import PatchClipError

LONGEST_NAME = 200
BYTES = "application/octet-stream"
OUTPUTS = ("all", "image", "json", "dicom_seg")
NO_LABELS = (
    "Labels are not stored here; readings and outlines are saved in the page, where they keep their reader."
)
NO_IMAGES = "Films that were sent here are not given out again; open them where you have them."
NO_TRAINING = "Nothing is trained from here; see python -m trainer."
NO_LOGS = "The log of this server is for whoever runs it; ask there."
NO_STRATEGY = "No films are chosen from here; a study of the page has its own list."
NO_FILM = "No film was named or sent; send one as file, or start a session with it."
ONE_FILM = "One film is taken at a time; send a single file."
NO_OBJECT = "Results as DICOM are exported in the page; ask for output=all, image or json here."
NO_PASSWORD = "Nobody signs in here with a name and a password; use your site's own sign-in."


def label_routes(
    desk: LabelDesk, identities: Identities, sign_ins: SignIns | None, uploads: Uploads, lane: Lane
) -> list[Route]:
    """One route for each of the protocol's requests.

    Args:
        desk: what answers.
        identities: who asks.
        sign_ins: by which a client signs in; None where nobody does, or by another program.
        uploads: of the server.
        lane: for signing in.
    """
    protocol = _Protocol(desk, identities, sign_ins, uploads, lane)
    refusals = {
        ("GET", "/train"): (NO_TRAINING, NotHeldError),  # a client takes it for "none is running"
        ("DELETE", "/train"): (NO_TRAINING, NotAllowedError),
        ("POST", "/train"): (NO_TRAINING, NotAllowedError),
        ("POST", "/train/{name}"): (NO_TRAINING, NotAllowedError),
        ("POST", "/activelearning/{name}"): (NO_STRATEGY, NotHeldError),
        ("PUT", "/datastore/label"): (NO_LABELS, NotAllowedError),
        ("GET", "/datastore/label"): (NO_LABELS, NotHeldError),
        ("GET", "/datastore/image"): (NO_IMAGES, NotHeldError),
        ("GET", "/logs"): (NO_LOGS, NotHeldError),
    }
    answers: list[tuple[str, str, Answering]] = [
        ("GET", "/info", protocol.info),
        ("GET", "/auth", protocol.auth),
        ("POST", "/auth/token", protocol.token),
        ("GET", "/auth/token/valid", protocol.user),
        ("GET", "/datastore", protocol.images),
        ("PUT", "/datastore", protocol.add_image),
        ("DELETE", "/datastore", protocol.remove_image),
        ("PUT", "/session", protocol.begin_session),
        ("POST", "/session", protocol.begin_session),
        ("GET", "/session/{name}", protocol.session),
        ("DELETE", "/session/{name}", protocol.end_session),
        ("POST", "/infer/{model}", protocol.infer),
        *((method, path, _refused(*refusal)) for (method, path), refusal in refusals.items()),
    ]
    return [
        Route(path + end, endpoint(f"{method} {path}", answer), methods=[method])
        for method, path, answer in answers
        for end in (("", "/") if path.count("/") == 1 else ("",))
    ]


def _refused(sentence: str, kind: type[PatchClipError]) -> Answering:
    async def answer(request: Request) -> Reply:
        raise kind(sentence)

    return answer


class _Protocol:
    """The requests that are answered."""

    def __init__(
        self,
        desk: LabelDesk,
        identities: Identities,
        sign_ins: SignIns | None,
        uploads: Uploads,
        lane: Lane,
    ) -> None:
        self._desk, self._identities, self._sign_ins = desk, identities, sign_ins
        self._uploads, self._lane = uploads, lane

    async def info(self, request: Request) -> Reply:
        """What the server is."""
        return self._desk.info(self._identities.person(request))

    async def auth(self, request: Request) -> Reply:
        """Whether a client has to sign in by name and password."""
        return AuthReply(enabled=self._sign_ins is not None)

    async def token(self, request: Request) -> Reply:
        """Signs a client in (OAuth 2.0, RFC 6749 4.3), for as long as a browser would be."""
        fields = await fields_of(request)
        if self._sign_ins is None:
            raise NotAllowedError(NO_PASSWORD)
        sign_ins, address = self._sign_ins, request.client.host if request.client else ""
        name, password = fields.get("username", ""), fields.get("password", "")
        signed = await self._lane.run(lambda: sign_ins.by_password(name, password, address))
        return TokenReply(access_token=signed.token)

    async def user(self, request: Request) -> Reply:
        """Who is signed in."""
        person = self._identities.person(request)
        return UserReply(username=person.name, roles=[person.role])

    async def images(self, request: Request) -> Reply:
        """The films that one has sent: how many, or with output=all their names."""
        person = self._identities.person(request)
        names = self._desk.held.names(person.id)
        if request.query_params.get("output") == "all":
            return ImagesReply(
                name="Patch-CLIP", objects={name: {"image": {}, "labels": {}} for name in names}
            )
        return self._desk.info(person).datastore

    async def add_image(self, request: Request) -> Reply:
        """Takes a film in under a client's own name for it."""
        name = _name(request.query_params.get("image", "")) or secrets.token_urlsafe(16)
        await self._take(request, name, "file")
        return ImageReply(image=name)

    async def remove_image(self, request: Request) -> Reply:
        """Forgets a film."""
        self._desk.held.remove(self._identities.person(request).id, request.query_params.get("id", ""))
        return DoneReply()

    async def begin_session(self, request: Request) -> Reply:
        """Takes a film in under a name that nobody can guess."""
        name = secrets.token_urlsafe(16)
        size, warnings = await self._take(request, name, "files")
        return SessionReply(session_id=name, session_info=_session(name, size), warnings=warnings)

    async def session(self, request: Request) -> Reply:
        """A session that still holds its film."""
        name = request.path_params["name"]
        picture = self._desk.held.get(self._identities.person(request).id, name)
        return _session(name, picture.geometry.size)

    async def end_session(self, request: Request) -> Reply:
        """Forgets its film."""
        person, name = self._identities.person(request), request.path_params["name"]
        picture = self._desk.held.get(person.id, name)
        self._desk.held.remove(person.id, name)
        return _session(name, picture.geometry.size)

    async def infer(self, request: Request) -> Response:
        """Asks the model about the film that was sent now, in a session, or before."""
        person, asked = self._identities.person(request), request.query_params
        output = asked.get("output") or "all"
        if output == "dicom_seg" or output not in OUTPUTS:
            raise RequestError(NO_OBJECT)
        async with form_of(request, self._uploads, _sender(person.id)) as form:
            params = read_params(form.fields.get("params", "{}"))
            if "file" in form.files:
                picture = await self._desk.take(_one(form, "file"))
            elif name := asked.get("session_id") or asked.get("image"):
                picture = await self._desk.named(person, name)
            else:
                raise RequestError(NO_FILM)
        return _answer(await self._desk.infer(request.path_params["model"], picture, params), output)

    async def _take(self, request: Request, name: str, field: str) -> tuple[tuple[int, int], list[str]]:
        person = self._identities.person(request)
        async with form_of(request, self._uploads, _sender(person.id)) as form:
            picture = await self._desk.take(_one(form, field))
        self._desk.held.add(person.id, name, picture)
        return picture.geometry.size, list(picture.encoded.warnings)


def _answer(made: Inference, output: str) -> Response:
    if output == "json":
        return response(made.reply)
    if output == "image":
        headers = {"content-disposition": f'attachment; filename="{made.name}"'}
        return Response(made.content, media_type=BYTES, headers=headers)
    fields: dict[str, Any] = {
        "params": (None, made.reply.model_dump_json(), "application/json"),
        "image": (made.name, made.content, BYTES),
    }
    body, kind = encode_multipart_formdata(fields)
    return Response(body, headers={"content-type": kind})


def _one(form: Form, field: str) -> bytes:
    files = form.files.get(field, ())
    if not files:
        raise RequestError(NO_FILM)
    if len(files) > 1:
        raise RequestError(ONE_FILM)
    return files[0]


def _session(name: str, size: tuple[int, int]) -> SessionInfo:
    return SessionInfo(name=name, size=size, expiry=int(IDLE_S))


def _name(name: str) -> str:
    if len(name) > LONGEST_NAME:
        raise RequestError(f"The film's name has more than {LONGEST_NAME} characters; shorten it.")
    return name


def _sender(person: int) -> str:
    return f"label~{person}"

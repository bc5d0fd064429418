"""Bodies of the protocol's requests: forms with files, read within limits and never by their files' names."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from app.endpoints import body_of
from app.requests import RequestError
from app.uploads import Uploads, limited

MOST_FILES, MOST_FIELDS = 16, 64
ROOM = 256 * 1024  # bytes of a form beside its files
NO_FORM = "The request is no form that can be read; send it as multipart/form-data."


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its fields by name; contents of its files, in order, by the names of their fields."""

    fields: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)


@asynccontextmanager
async def form_of(request: Request, uploads: Uploads, sender: str) -> AsyncIterator[Form]:
    """The form of a request, whose files lie on no disk but namelessly while they arrive.

    sender: whose uploads are counted together.

    Raises:
        RequestError: it is none.
        UploadError, TooLargeError: as of `Uploads.receive`.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        limit = uploads.limit + ROOM
        too_large = (
            f"The film is larger than {uploads.limit // 1_000_000} MB, the limit of this server; "
            "send a single radiograph."
        )
        async with uploads.receive(sender, limited(request.stream(), limit, too_large)) as read:
            yield await _multipart(request, read())
    else:
        yield Form(await fields_of(request) if kind == "application/x-www-form-urlencoded" else {})


async def fields_of(request: Request) -> dict[str, str]:
    """The fields of a form without files.

    Raises:
        RequestError: it is none.
        TooLargeError: it is larger than any that is sent.
    """
    try:
        text = (await body_of(request)).decode()
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise RequestError(NO_FORM) from None


class _InMemory(MultiPartParser):
    """Holds files in memory, where the whole body is by then."""

    spool_max_size = 2**40


async def _multipart(request: Request, body: bytes) -> Form:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await _InMemory(
            request.headers, whole(), max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=ROOM
        ).parse()
    except (MultiPartException, KeyError, ValueError):
        raise RequestError(NO_FORM) from None
    fields: dict[str, str] = {}
    files: dict[str, tuple[bytes, ...]] = {}
    async with form_closed(form_items := form.multi_items()):
        for name, value in form_items:
            if isinstance(value, UploadFile):
                files[name] = (*files.get(name, ()), await value.read())
            else:
                fields[name] = value
    return Form(fields, files)


@asynccontextmanager
async def form_closed(items: list[tuple[str, UploadFile | str]]) -> AsyncIterator[None]:
    """Closes the files of a form in any case."""
    try:
        yield
    finally:
        for _, value in items:
            if isinstance(value, UploadFile):
                await value.close()

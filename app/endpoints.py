"""One request over HTTP: its body within bounds, and every error as one sentence with its status."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.lanes import BusyError
from app.monai_label.held import NotHeldError
from app.people.identity import NotAllowedError, NotSignedInError
from app.people.sign_in import WrongSecretError
from app.people.tries import TooManyTriesError
from app.replies import ErrorReply, Reply, SignInReply
from app.sessions import ForgottenError
from app.study.errors import NoStudyError, WithheldError
from app.uploads import DiskFullError, TooLargeError, TooManyUploadsError, limited
from app.watching.note import failed
from patchclip import PatchClipError

LARGEST_BODY = 256 * 1024  # bytes of any request but an upload: a reading with all its boxes is far smaller
STATUS = {  # others: 400
    NotAllowedError: 403,
    WrongSecretError: 403,
    WithheldError: 403,
    NoStudyError: 404,
    NotHeldError: 404,
    ForgottenError: 410,  # on which the page sends the file again by itself
    TooLargeError: 413,
    TooManyUploadsError: 429,
    TooManyTriesError: 429,
    BusyError: 503,
    DiskFullError: 507,
}
LOG = logging.getLogger(__name__)

Answering = Callable[[Request], Awaitable[Reply | Response]]


class WindowError(PatchClipError):
    """A request carries no token of this server."""


async def body_of(request: Request) -> bytes:
    """The body of a request that is no file.

    Raises:
        TooLargeError: it is larger than any that the page sends.
    """
    too_large = "The request is larger than anything that the page sends; reload the page, then try again."
    return b"".join([chunk async for chunk in limited(request.stream(), LARGEST_BODY, too_large)])


def endpoint(name: str, answer: Answering) -> Callable[[Request], Awaitable[Response]]:
    """Errors as {"error": sentence}; what nobody foresaw is logged by kind and place alone."""

    async def run(request: Request) -> Response:
        return await answered(name, answer(request))

    return run


async def answered(name: str, answer: Awaitable[Reply | Response]) -> Response:
    """What an endpoint answers, or what it says where that fails."""
    try:
        reply = await answer
        return reply if isinstance(reply, Response) else response(reply)
    except NotSignedInError as error:
        failed(error)
        return response(SignInReply(error=str(error)), 401)
    except WindowError as error:
        failed(error)
        return response(ErrorReply(error=str(error)), 401)
    except PatchClipError as error:
        failed(error)
        return response(ErrorReply(error=str(error)), STATUS.get(type(error), 400))
    except ClientDisconnect as error:
        failed(error)
        return Response(status_code=400)  # nobody hears it
    except Exception as error:
        failed(error)
        # The page must hear of every failure, and no message with a patient's data may reach the log.
        place = traceback.extract_tb(error.__traceback__)[-1]
        LOG.error(
            "%s failed: %s at %s:%s", name, type(error).__name__, Path(place.filename).name, place.lineno
        )
        return response(
            ErrorReply(
                error="The server could not do this, and its log says where it failed; "
                "try again, or try another file."
            ),
            500,
        )


def response(reply: Reply, status: int = 200) -> Response:
    """A reply as JSON."""
    return Response(reply.model_dump_json(), status, media_type="application/json")

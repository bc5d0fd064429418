"""Errors of Gradio's callbacks as one sentence; what nobody foresaw is logged by kind and place alone."""

from __future__ import annotations

import inspect
import logging
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr

from app.people.identity import Identities, NotSignedInError, Person
from patchclip import PatchClipError

LOG = logging.getLogger(__name__)
UNFORESEEN = "The server could not do this, and its log says where it failed; try again."


def spoken(callback: Callable[..., Any]) -> Callable[..., Any]:
    """The same callback, whose errors reach whoever asked; no message with data of a case reaches the log."""
    if inspect.iscoroutinefunction(callback):

        @wraps(callback)
        async def waiting(*args: Any, **kwargs: Any) -> Any:
            try:
                return await callback(*args, **kwargs)
            except Exception as error:
                raise _told(callback.__name__, error) from None

        return waiting

    @wraps(callback)
    def answering(*args: Any, **kwargs: Any) -> Any:
        try:
            return callback(*args, **kwargs)
        except Exception as error:
            raise _told(callback.__name__, error) from None

    return answering


def person_of(identities: Identities, request: gr.Request) -> Person:
    """Who makes a call.

    Raises:
        NotSignedInError: nobody that is known.
    """
    if request.request is None:
        raise NotSignedInError("This call comes from no request; open the page, or send it over HTTP.")
    return identities.person(request.request)


def _told(name: str, error: Exception) -> gr.Error:
    if isinstance(error, gr.Error):
        return error
    if isinstance(error, PatchClipError):
        return gr.Error(str(error), print_exception=False)
    place = traceback.extract_tb(error.__traceback__)[-1]
    LOG.error("%s failed: %s at %s:%s", name, type(error).__name__, Path(place.filename).name, place.lineno)
    return gr.Error(UNFORESEEN, print_exception=False)

"""A request of the page that is answered for a person: what its body is, and who answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from app.people.identity import Person
from app.replies import Reply
from app.requests import Message
from app.study.replies import OpenedCase


@dataclass(frozen=True, slots=True)
class PersonalRequest:
    """What a request's body is, and what answers it for a person."""

    kind: type[Message]
    method: Callable[[Person, Any], Awaitable[Reply | OpenedCase]]

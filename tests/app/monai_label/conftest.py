"""A server of the MONAI Label protocol with two accounts, behind guard and gate, on a fake engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from threading import Thread
from typing import cast

import pytest
import uvicorn
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST
from starlette.applications import Starlette

from app.guard import Guard, Hosts
from app.lanes import Lanes
from app.models.in_use import InUse
from app.monai_label.desk import LabelDesk
from app.monai_label.routes import label_routes
from app.people.accounts import Accounts
from app.people.gate import Gate
from app.people.identity import Role
from app.people.passwords import Passwords
from app.people.sign_in import SignIns
from app.people.signed_in import ByCookie
from app.serving import listen
from app.store import migrate, open_database
from app.uploads import Uploads
from patchclip import Engine
from tests.app.fake_engine import FakeEngine
from tests.app.monai_label.label_client import LabelClient
from tests.browser.serving import free_port

PASSWORDS = {"ada": "a few words of ada", "ben": "a few words of ben"}
GUEST = "http://ohif.example:3000"


@dataclass
class Running:
    """A server, and what answers in it."""

    url: str
    engine: FakeEngine
    sign_ins: SignIns

    def client(self, name: str = "ada") -> LabelClient:
        """Somebody's, signed in."""
        client = LabelClient(self.url)
        client.sign_in(name, PASSWORDS[name])
        return client


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The server."""
    folder = tmp_path_factory.mktemp("labels")
    database = open_database(folder / "feedback.sqlite3")
    migrate(database)
    passwords = Passwords(PasswordHasher.from_parameters(CHEAPEST))
    for name, password in PASSWORDS.items():
        Accounts(database, passwords).create(name, Role.READER, password)
    sign_ins = SignIns(database, idle=timedelta(hours=1), lasts=timedelta(hours=2), passwords=passwords)
    people, engine, lanes = ByCookie(sign_ins), FakeEngine(), Lanes()
    desk = LabelDesk(InUse(cast(Engine, engine)), lanes, None, 1)
    app = Starlette(routes=label_routes(desk, people, sign_ins, Uploads(folder, 1_000_000), lanes.sign_in))
    port = free_port()
    guarded = Guard(Gate(app, people), Hosts("127.0.0.1"), [GUEST])
    server = uvicorn.Server(uvicorn.Config(guarded, log_level="warning", access_log=False, lifespan="off"))
    thread = Thread(target=server.run, kwargs={"sockets": [listen("127.0.0.1", port)]})
    thread.start()
    while not server.started:
        thread.join(0.02)
    yield Running(f"http://127.0.0.1:{port}", engine, sign_ins)
    server.should_exit = True
    thread.join()
    lanes.close()
    database.dispose()


@pytest.fixture(scope="package")
def client(running: Running) -> LabelClient:
    """Ada's."""
    return running.client("ada")

"""Who waits for the model holds up nobody: the order in which replies come, the threads that are held."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from typing import Any, cast

import pytest

from app.lanes import BusyError, Lane
from app.models.in_use import InUse
from app.requests import (
    AskRequest,
    CompareRequest,
    EmptyRequest,
    OfReaderRequest,
    OpenExampleRequest,
    SaveRequest,
)
from app.service import Service
from app.store import FeedbackRepository
from patchclip import Engine
from tests.app.fake_engine import FakeEngine
from tests.app.own_loop import in_own_loop

WAITING = 60
KEY = "0" * 32


class HeldEngine(FakeEngine):
    """Grad-CAM that takes as long as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.release = threading.Event()
        self.at_once = self.most_at_once = 0

    def saliency(self, *given: Any) -> Any:
        """Waits."""
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.release.wait(60)
        self.at_once -= 1
        return super().saliency(*given)


def test_while_grad_cams_wait_everything_else_is_answered(repository: FeedbackRepository) -> None:
    engine, order = HeldEngine(), list[str]()
    service = Service(InUse(cast(Engine, engine)), repository, study_memory_mb=50, upload_limit_mb=1)

    async def note(name: str, work: Any) -> Any:
        result = await work
        order.append(name)
        return result

    async def run() -> None:
        examples = (await service.start("w", None, EmptyRequest())).examples
        first = OpenExampleRequest(name=examples[0].file)
        opened = await (await service.open_example("w", None, first)).study
        await service.ask("w", AskRequest(study=opened.study, text="mass"))
        compare = CompareRequest(study=opened.study, query="mass")
        grad_cams = [
            asyncio.create_task(note("compare", service.maps.compare("w", compare))) for _ in range(WAITING)
        ]
        while not engine.at_once:
            await asyncio.sleep(0.005)
        save = SaveRequest(study=opened.study, key=KEY, query="mass", presence="present", reader="R")
        await note("start", service.start("w", None, EmptyRequest()))
        await note("save", service.readings.save("w", None, save))
        await note("history", service.readings.history("w", None, OfReaderRequest()))
        assert not any(task.done() for task in grad_cams)
        names = [thread.name.partition("_")[0] for thread in threading.enumerate()]
        assert names.count("model") == 1
        engine.release.set()
        await asyncio.gather(*grad_cams)

    in_own_loop(run())
    service.lanes.close()
    assert order == ["start", "save", "history"] + ["compare"] * WAITING
    assert engine.most_at_once == 1
    assert len(repository.rows()) == 1


def test_work_is_done_in_the_order_it_came_and_errors_come_back() -> None:
    lane, done = Lane("test", 1, 10), list[int]()

    async def run() -> list[Any]:
        def work(number: int) -> int:
            done.append(number)
            if number == 2:
                raise ValueError("two")
            return number

        tasks = [lane.run(partial(work, number)) for number in range(5)]
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    results = in_own_loop(run())
    lane.close()
    assert done == [0, 1, 2, 3, 4]
    assert [str(result) for result in results] == ["0", "1", "two", "3", "4"]


def test_more_than_may_wait_is_told_to_come_again() -> None:
    lane, release = Lane("model", 1, 2), threading.Event()

    async def run() -> None:
        tasks = [asyncio.create_task(lane.run(lambda: release.wait(60))) for _ in range(3)]
        await asyncio.sleep(0.02)
        with pytest.raises(BusyError, match=r"3 requests are at the model; try again"):
            await lane.run(lambda: None)
        release.set()
        await asyncio.gather(*tasks)
        assert await lane.run(lambda: "room again") == "room again"

    in_own_loop(run())
    lane.close()

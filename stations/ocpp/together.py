"""Questions that come in the same moment are answered together: one thread, one transaction, bulk statements.

After a power cut thousands of chargers knock, boot and report in the same seconds. Each by itself would cost
several round trips to the database; together they cost a few for all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Generic, TypeVar

from stations.ocpp.threads import in_thread

log = logging.getLogger(__name__)

Question = TypeVar("Question")
Answer = TypeVar("Answer")

#: So many at most, so that the first of a crowd doesn't wait for the last.
MOST = 100


class Together(Generic[Question, Answer]):
    """Calls `function(questions) -> answers`, in the same order, for whatever has gathered meanwhile.

    Belongs to one event loop. A group that fails is tried one by one, so that what is wrong with one question
    is raised to who asked it and to nobody else.
    """

    def __init__(self, function: Callable[[list[Question]], list[Answer]]):
        self._function = function
        self._waiting: list[tuple[Question, asyncio.Future[Answer]]] = []
        self._task: asyncio.Task | None = None

    async def ask(self, question: Question) -> Answer:
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        self._waiting.append((question, answer))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._run())
        return await answer

    async def _run(self) -> None:
        while self._waiting:
            # Whatever the loop has read by now comes along.
            await asyncio.sleep(0)
            group, self._waiting = self._waiting[:MOST], self._waiting[MOST:]
            await self._answer(group)

    async def _answer(self, group: list[tuple[Question, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await in_thread(self._function, [question for question, _answer in group])
        except Exception as error:
            if len(group) == 1:
                _settle(group[0][1], error=error)
                return
            log.warning("%d questions failed together (%s); asking one by one", len(group), error)
            for one in group:
                await self._answer([one])
            return
        for (_question, waiting), answer in zip(group, answers, strict=True):
            _settle(waiting, answer)


def _settle(waiting: asyncio.Future, answer=None, error: Exception | None = None) -> None:
    # Who asked may have gone meanwhile.
    if waiting.done():
        return
    if error is not None:
        waiting.set_exception(error)
    else:
        waiting.set_result(answer)


class Crowds:
    """One `Together` for each function, made when it is first asked."""

    def __init__(self):
        self._known: dict[Callable, Together] = {}

    async def ask(self, function: Callable[[list], list], question):
        together = self._known.get(function)
        if together is None:
            together = self._known[function] = Together(function)
        return await together.ask(question)

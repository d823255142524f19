"""Questions answered together: each gets its own answer, and a bad one spoils nobody else's."""

import asyncio

import pytest

from stations.ocpp.together import MOST, Crowds, Together

pytestmark = pytest.mark.django_db(transaction=True)


def recording(groups, answer):
    def function(questions):
        groups.append(list(questions))
        return [answer(question) for question in questions]

    return function


async def test_what_comes_in_one_moment_is_asked_once():
    groups = []
    together = Together(recording(groups, lambda question: question * 2))
    answers = await asyncio.gather(*(together.ask(n) for n in range(30)))
    assert answers == [n * 2 for n in range(30)]
    assert groups == [list(range(30))]


async def test_a_crowd_is_split():
    groups = []
    together = Together(recording(groups, lambda question: question))
    await asyncio.gather(*(together.ask(n) for n in range(MOST + 5)))
    assert [len(group) for group in groups] == [MOST, 5]


async def test_one_bad_question_is_only_its_askers_problem():
    def answer(question):
        if question == 3:
            raise ValueError("three")
        return question

    together = Together(recording([], answer))
    found = await asyncio.gather(*(together.ask(n) for n in range(5)), return_exceptions=True)
    assert [found[n] for n in (0, 1, 2, 4)] == [0, 1, 2, 4]
    assert isinstance(found[3], ValueError)


async def test_who_has_gone_is_not_waited_for():
    together = Together(recording([], lambda question: question))
    gone = asyncio.ensure_future(together.ask(1))
    await asyncio.sleep(0)
    gone.cancel()
    assert await together.ask(2) == 2


async def test_each_function_has_its_own_crowd():
    crowds = Crowds()
    doubled, negated = recording([], lambda n: n * 2), recording([], lambda n: -n)
    assert await asyncio.gather(crowds.ask(doubled, 4), crowds.ask(negated, 4)) == [8, -4]

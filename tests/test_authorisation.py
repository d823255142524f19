"""Who may come in where: every address of the portal, tried by everybody (the table is in tests/who_may.py).

Whoever a line does not let in gets 401, 403, 404 or the sign-in page, and not a word of the row.
"""

import copy
from itertools import chain

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.core.cache import cache
from django.test import override_settings
from django.urls import reverse

from billing.simulator.server import Simulator
from tests.matrix import (
    ASKED_TO_SIGN_IN,
    AWAY,
    BROKEN,
    DENIED,
    GIVEN,
    MINE,
    THEIRS,
    body,
    build,
    every_route,
    outcome,
    route_of,
    undone,
)
from tests.who_may import (
    BACK_OFFICE,
    EVERYBODY,
    FINANCE,
    IN_ADMIN,
    MACHINES,
    NOBODY,
    OPS,
    OTHER,
    PERSONS,
    ROLES,
    STAFF,
    TABLE,
    Line,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """Built once: each request is undone, and so is all of it in the end."""
    cache.clear()
    with (
        django_db_blocker.unblock(),
        Simulator() as provider,
        override_settings(STRIPE_API_BASE=provider.url, STRIPE_SECRET_KEY="sk_test_simulator"),
        undone(),
    ):
        yield build()


def knock(world, role, line, place=None):
    place, client = place or world.mine, world.clients[role]
    data = {name: value.format(**place.ids) for name, value in line.data.items()}
    kind = {"content_type": "application/json"} if line.method != "get" and "/api/" in line.url else {}
    before = copy.deepcopy(client.cookies)
    with undone():
        response = getattr(client, line.method)(line.url.format(**place.ids), data, **kind)
        text = body(response)
    client.cookies = before
    return response, text


@pytest.mark.parametrize("line", TABLE, ids=str)
def test_who_may_come_in(world, line):
    wrong = []
    for role in ROLES:
        response, text = knock(world, role, line)
        got, status = outcome(response), response.status_code
        if got == BROKEN:
            wrong.append(f"{role}: {status}")
        elif (got == GIVEN) != (role in line.may):
            wrong.append(
                f"{role}: {got} ({status}{' to ' + response.get('Location', '') if status == 302 else ''})"
            )
        elif line.url.startswith("/api/") and got != GIVEN and status not in refusal(role):
            wrong.append(f"{role}: {status} instead of {refusal(role)}")
        wrong += leaks(role, text, line.may if line.sees is None else line.sees)
    assert not wrong, "\n".join(wrong)


def leaks(role: str, text: str, sees: frozenset) -> list[str]:
    """Words of places that this role must not find here."""
    hidden = []
    if role not in sees:
        hidden.append(MINE)
    if role not in sees or role in ("driver", "technician"):
        hidden.append(AWAY)
    if role not in ("manager2", "key2"):
        hidden.append(THEIRS)
    return [
        f"{role} sees … {text[max(0, at - 60) : at + 40]!r}"
        for word in hidden
        if (at := text.lower().find(word.lower())) >= 0
    ]


def refusal(role: str) -> tuple[int, ...]:
    """Unknown: 401. The wrong role: 403. Another's row: 404, as if there were none."""
    return {"anonymous": (401,), "key2": (404,), "key_accountant": (403,)}.get(role, (403, 404))


LIMITED = [line for line in TABLE if "technician" in line.may and not line.may >= PERSONS and "{" in line.url]


@pytest.mark.parametrize("line", LIMITED, ids=str)
def test_a_role_limited_to_some_sites_ends_there(world, line):
    response, text = knock(world, "technician", line, world.away)
    assert outcome(response) == DENIED
    assert not leaks("technician", text, NOBODY)


@pytest.mark.parametrize("line", [*OPS, *FINANCE, *BACK_OFFICE, *MACHINES], ids=str)
def test_a_role_takes_a_second_factor(world, line):
    with undone():
        Authenticator.objects.all().delete()
        response, text = knock(world, "manager", line)
    if line.may != EVERYBODY and "stranger" not in line.may:
        assert outcome(response) in (DENIED, ASKED_TO_SIGN_IN)
    assert not leaks("manager", text, NOBODY)


def test_every_address_is_in_the_table(world):
    known = {route_of(line.url.format(**world.mine.ids), line.method) for line in TABLE}
    missing = {
        (route, method)
        for route, method in every_route() - known
        # The admin's pages of each model are tried below.
        if not any(route.startswith(f"admin/{name}/") for name in models_in_admin())
    }
    assert not missing, "unlisted new route: " + ", ".join(
        f"{method} {route}" for route, method in sorted(missing)
    )


# The admin: each model's list and pages


def models_in_admin() -> dict:
    return {f"{model._meta.app_label}/{model._meta.model_name}": model for model in admin.site._registry}


def test_every_model_of_the_admin_is_in_the_table():
    assert set(models_in_admin()) <= set(IN_ADMIN)


@pytest.mark.parametrize("name", sorted(models_in_admin()))
def test_rows_in_the_admin(world, name):
    row = world.mine.rows.get(models_in_admin()[name])
    base = "admin:" + name.replace("/", "_")
    pages = [reverse(f"{base}_changelist"), reverse(f"{base}_add")]
    pk = row.pk if row is not None else "1"
    pages += [reverse(f"{base}_{page}", args=[pk]) for page in ("change", "delete", "history")]
    wrong = []
    for url in pages:
        for role in ROLES:
            response, text = knock(world, role, Line(url, NOBODY))
            got = outcome(response)
            if got == BROKEN:
                wrong.append(f"{role}: {response.status_code} at {url}")
            wrong += leaks(role, text, IN_ADMIN[name])
            if role not in STAFF | OTHER and got == GIVEN:
                wrong.append(f"{role}: {response.status_code} at {url}")
            if (
                row is not None
                and url.endswith(f"/{pk}/change/")
                and role in IN_ADMIN[name]
                and response.status_code != 200
            ):
                wrong.append(f"{role}: {response.status_code} at {url}")
            if (
                row is not None
                and url.endswith(f"/{pk}/change/")
                and role not in IN_ADMIN[name]
                and response.status_code == 200
            ):
                wrong.append(f"{role} opens {url}")
    assert not wrong, "\n".join(wrong)


def test_the_table_names_each_address_once():
    names = [str(line) for line in TABLE]
    assert len(set(names)) == len(names)
    assert set(chain.from_iterable(line.may for line in TABLE)) <= EVERYBODY

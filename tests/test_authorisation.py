"""Who may come in where: every address of the portal, tried by everybody.

A new page is a new line in `TABLE`; without one, `test_every_address_is_in_the_table` fails. A line says who
is let in (`may`), and who of them sees what is the first operator's or its driver's (`sees`; else all).
Everybody else gets 401, 403, 404 or the sign-in page, and not a word of the row.
"""

import copy
from dataclasses import dataclass, field
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

pytestmark = pytest.mark.django_db


def who(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Who knocks. The driver owns the rows; the technician is limited to the first of the operator's sites.
PERSONS = who("driver stranger manager accountant technician support manager2")
KEYS = who("key key_accountant key2")
EVERYBODY = PERSONS | KEYS | {"anonymous"}
ROLES = [*sorted(PERSONS), *sorted(KEYS), "anonymous"]
NOBODY = frozenset()

OWNER = who("driver")
MANAGER, MANAGERS = who("manager"), who("manager manager2")
#: Everybody who works for an operator; the same with the second operator's, whose own lists these are too.
STAFF = who("manager accountant technician support")
CREW = who("manager technician support")  # without the accountant
MONEY = who("manager accountant")
DESK = who("manager support")
KEY, BOTH_KEYS, MONEY_KEYS = who("key"), who("key key2"), who("key key_accountant")
OTHER = who("manager2")


@dataclass(frozen=True)
class Line:
    url: str
    may: frozenset
    sees: frozenset | None = None
    method: str = "get"
    data: dict = field(default_factory=dict)

    def __str__(self):
        return f"{self.method} {self.url}"


def get(url, may, sees=None):
    return Line(url, may, sees)


def post(url, may, sees=None, **data):
    return Line(url, may, sees, "post", data)


def patch(url, may):
    return Line(url, may, None, "patch")


def delete(url, may):
    return Line(url, may, None, "delete")


PUBLIC = [
    get(url, EVERYBODY, NOBODY)
    for url in (
        "/",
        "/healthz",
        "/s/{site}/",
        "/s/{site}/book/",
        "/c/{public_id}/",
        "/api/v1/schema/",
        "/api/v1/docs/",
        "/accounts/login/",
        "/accounts/logout/",
        "/accounts/inactive/",
        "/accounts/signup/",
        "/accounts/password/reset/",
        "/accounts/password/reset/done/",
        "/accounts/password/reset/key/1-set-password/",
        "/accounts/password/reset/key/done/",
        "/accounts/login/code/",
    )
]

#: Whoever has the link has the session: it is long and random, and given to its driver alone.
LINKS = [
    get("/x/{running}/", EVERYBODY, NOBODY),
    get("/x/{running}/stop/", EVERYBODY, NOBODY),
    get("/r/{ended}/", EVERYBODY, NOBODY),
    get("/r/{ended}/invoice.pdf", EVERYBODY, EVERYBODY),
    post("/r/{ended}/pay/", OWNER),
]

#: What one's own account has; nobody finds anybody else's there.
ACCOUNT = [
    get("/login/", NOBODY),
    get("/accounts/confirm-email/", PERSONS, NOBODY),
    get("/accounts/2fa/webauthn/login/", PERSONS, NOBODY),
    get("/accounts/email/", PERSONS, OWNER),
    get("/accounts/password/change/", PERSONS, NOBODY),
    get("/accounts/password/set/", PERSONS, NOBODY),
    get("/accounts/2fa/", PERSONS, OWNER),
    # Steps of a sign-in or of a second factor's set-up: they begin with asking who it is.
    get("/accounts/reauthenticate/", PERSONS, NOBODY),
    get("/accounts/login/code/confirm/", PERSONS, NOBODY),
    get("/accounts/2fa/authenticate/", PERSONS, NOBODY),
    get("/accounts/2fa/reauthenticate/", PERSONS, NOBODY),
    get("/accounts/2fa/totp/activate/", NOBODY),
    get("/accounts/2fa/totp/deactivate/", NOBODY),
    get("/accounts/2fa/recovery-codes/", NOBODY),
    get("/accounts/2fa/recovery-codes/generate/", NOBODY),
    get("/accounts/2fa/recovery-codes/download/", NOBODY),
    get("/accounts/2fa/webauthn/", PERSONS, OWNER),
    get("/accounts/2fa/webauthn/add/", NOBODY),
    get("/accounts/2fa/webauthn/reauthenticate/", NOBODY),
    get("/accounts/2fa/webauthn/keys/{passkey}/remove/", NOBODY),
    get("/accounts/2fa/webauthn/keys/{passkey}/edit/", NOBODY),
]

DRIVERS = [
    get("/b/{booking}/", OWNER | CREW),
    get("/b/{booking}/booking.ics", OWNER | CREW),
    post("/b/{booking}/extend/", OWNER),
    get("/b/{booking}/move/", OWNER),
    get("/b/{booking}/cancel/", OWNER),
    get("/b/{booking}/review/", OWNER),
    post("/b/{booking}/start/", OWNER),
    post("/c/{public_id}/start/", PERSONS, NOBODY),
    get("/start/{start}/", OWNER),
    get("/pay/{payment}/", OWNER),
    get("/me/", PERSONS, OWNER),
    get("/me/cards/", PERSONS, OWNER),
    post("/me/cards/add/", PERSONS, OWNER),
    get("/me/cards/added/", PERSONS, OWNER),
    post("/me/cards/{card}/default/", OWNER),
    get("/me/cards/{card}/remove/", OWNER),
    get("/me/vehicles/", PERSONS, OWNER),
    post("/me/vehicles/{vehicle}/remove/", OWNER),
    get("/me/tokens/", PERSONS, OWNER),
    get("/me/tokens/{token}/remove/", OWNER),
]

OPS = [
    get("/ops/", STAFF | OTHER, STAFF | OTHER),
    get("/ops/chargers/", STAFF | OTHER, STAFF | OTHER),
    get("/ops/chargers/{station}/", STAFF),
    get("/ops/chargers/{station}/sessions/", STAFF),
    get("/ops/chargers/{station}/messages/", CREW),
    get("/ops/chargers/{station}/messages.csv", CREW),
    get("/ops/chargers/{station}/history/", STAFF),
    get("/ops/chargers/{station}/do/restart/", CREW),
    get("/ops/chargers/{station}/call/", CREW),
    get("/ops/chargers/{station}/call/Reset/", CREW),
    get("/ops/commands/{command}/", STAFF),
    get("/ops/sessions/", STAFF | OTHER),
    get("/ops/sessions/{session}/", STAFF),
    get("/ops/alerts/", CREW | OTHER),
    post("/ops/alerts/{alert}/acknowledge/", CREW),
    # A charger that nobody knows belongs to nobody yet.
    get("/ops/pending/", MANAGERS),
    get("/ops/pending/{pending}/", MANAGERS),
]

FINANCE = [
    get("/fin/invoices/", MONEY | OTHER),
    get("/fin/invoices/export.csv", MONEY | OTHER),
    get("/fin/invoices/{invoice}/invoice.pdf", MONEY),
    get("/fin/invoices/{invoice}/refund/", MONEY),
    get("/fin/review/", MONEY | OTHER),
    post("/fin/review/{doubt}/", MONEY),
]

#: Every person may ask for their own rows; keys only for what their role is for.
MACHINES = [
    get("/api/v1/", PERSONS | KEYS, NOBODY),
    # Sites and chargers
    get("/api/v1/sites/", STAFF | OTHER | KEYS),
    post("/api/v1/sites/", MANAGERS | BOTH_KEYS),
    get("/api/v1/sites/{site}/", STAFF | MONEY_KEYS),
    patch("/api/v1/sites/{site}/", MANAGER | KEY),
    delete("/api/v1/sites/{site}/", MANAGER | KEY),
    get("/api/v1/stations/", STAFF | OTHER | KEYS),
    post("/api/v1/stations/", MANAGERS | who("technician") | BOTH_KEYS, site="{site}"),
    get("/api/v1/stations/{identity}/", STAFF | MONEY_KEYS),
    patch("/api/v1/stations/{identity}/", who("manager technician key")),
    delete("/api/v1/stations/{identity}/", who("manager technician key")),
    post("/api/v1/stations/{identity}/commands/", CREW | KEY, action="Nothing"),
    get("/api/v1/evses/", STAFF | OTHER | KEYS),
    get("/api/v1/evses/{evse}/", STAFF | MONEY_KEYS),
    patch("/api/v1/evses/{evse}/", who("manager technician key")),
    get("/api/v1/messages/", CREW | OTHER | BOTH_KEYS),
    get("/api/v1/commands/", CREW | OTHER | BOTH_KEYS),
    get("/api/v1/commands/{command}/", CREW | KEY),
    # The technician of some sites has no part in what is the whole operator's.
    get(
        "/api/v1/charging-profiles/",
        STAFF | OTHER | KEYS,
        who("manager accountant support key key_accountant"),
    ),
    post("/api/v1/charging-profiles/", MANAGERS | who("technician") | BOTH_KEYS),
    get("/api/v1/charging-profiles/{profile}/", who("manager accountant support key key_accountant")),
    patch("/api/v1/charging-profiles/{profile}/", MANAGER | KEY),
    delete("/api/v1/charging-profiles/{profile}/", MANAGER | KEY),
    # Charging
    get("/api/v1/id-tokens/", PERSONS | BOTH_KEYS, OWNER | DESK | KEY),
    post("/api/v1/id-tokens/", DESK | OTHER | BOTH_KEYS),
    get("/api/v1/id-tokens/{token}/", OWNER | DESK | KEY),
    patch("/api/v1/id-tokens/{token}/", DESK | KEY),
    get("/api/v1/sessions/", PERSONS | KEYS, OWNER | STAFF | MONEY_KEYS),
    get("/api/v1/sessions/{session}/", OWNER | STAFF | MONEY_KEYS),
    get("/api/v1/readings/", PERSONS | KEYS, NOBODY),
    get("/api/v1/reservations/", PERSONS | KEYS, OWNER | STAFF | MONEY_KEYS),
    get("/api/v1/reservations/{reservation}/", OWNER | STAFF | MONEY_KEYS),
    # Bookings
    get("/api/v1/bookings/", PERSONS | BOTH_KEYS, OWNER | CREW | KEY),
    post("/api/v1/bookings/", PERSONS | BOTH_KEYS, evse="{evse}"),
    get("/api/v1/bookings/{booking}/", OWNER | CREW | KEY),
    post("/api/v1/bookings/{booking}/cancel/", OWNER | DESK | KEY),
    get("/api/v1/availability/?site={site}", PERSONS | KEYS, NOBODY),
    # Money
    get("/api/v1/tariffs/", STAFF | OTHER | KEYS, who("manager accountant support key key_accountant")),
    post("/api/v1/tariffs/", MANAGERS | BOTH_KEYS),
    get("/api/v1/tariffs/{tariff}/", who("manager accountant support key key_accountant")),
    patch("/api/v1/tariffs/{tariff}/", MANAGER | KEY),
    post("/api/v1/tariffs/{tariff}/versions/", MANAGER | KEY),
    post("/api/v1/tariffs/{tariff}/assign/", MANAGER | KEY),
    post("/api/v1/quotes/", PERSONS | KEYS, evse="{evse}"),
    get("/api/v1/quotes/{quote}/", OWNER | STAFF | MONEY_KEYS),
    get("/api/v1/payments/", PERSONS | KEYS, OWNER | MONEY | MONEY_KEYS),
    get("/api/v1/payments/{payment}/", OWNER | MONEY | MONEY_KEYS),
    post("/api/v1/payments/{payment}/refund/", MONEY | MONEY_KEYS),
    get("/api/v1/invoices/", PERSONS | KEYS, OWNER | MONEY | MONEY_KEYS),
    get("/api/v1/invoices/{invoice}/", OWNER | MONEY | MONEY_KEYS),
    get("/api/v1/invoices/{invoice}/pdf/", OWNER | MONEY | MONEY_KEYS),
    get("/api/v1/exports/invoices.csv", MONEY | OTHER | KEYS, MONEY | MONEY_KEYS),
    # Alerts
    get("/api/v1/alerts/", CREW | OTHER | BOTH_KEYS),
    get("/api/v1/alerts/{alert}/", CREW | KEY),
    post("/api/v1/alerts/{alert}/acknowledge/", CREW | KEY),
]

#: Parts that check a signature of their own, or whose answer is about nobody.
OWN_LOCK = [
    get("/readyz", EVERYBODY, NOBODY),
    post("/billing/stripe/webhook/", EVERYBODY, NOBODY),
]

BACK_OFFICE = [
    get("/admin/", STAFF | OTHER, NOBODY),
    get("/admin/search/", STAFF | OTHER, NOBODY),
    get("/admin/login/", STAFF | OTHER, NOBODY),
    post("/admin/logout/", EVERYBODY, NOBODY),
    get("/admin/password_change/", STAFF | OTHER, NOBODY),
    get("/admin/password_change/done/", STAFF | OTHER, NOBODY),
    get("/admin/autocomplete/", NOBODY),
    get("/admin/jsi18n/", STAFF | OTHER, NOBODY),
    get("/admin/r/1/1/", NOBODY),
    # Accounts of sign-ins, groups and second factors are for those who run the portal itself.
    get("/admin/account/", NOBODY),
    get("/admin/nothing/", NOBODY),
]

TABLE = [*PUBLIC, *LINKS, *ACCOUNT, *DRIVERS, *OPS, *FINANCE, *MACHINES, *OWN_LOCK, *BACK_OFFICE]


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

#: Who finds rows there. Whoever runs the portal itself is not in the matrix: a superuser sees everything.
IN_ADMIN = {
    "accounts/apikey": MANAGER,
    "accounts/membership": MANAGER,
    "accounts/operator": MANAGER,
    "accounts/user": NOBODY,
    "accounts/vehicle": NOBODY,
    "account/emailaddress": NOBODY,
    "auth/group": NOBODY,
    "mfa/authenticator": NOBODY,
    "outbox/mail": NOBODY,
    "outbox/sentmail": NOBODY,
    "stations/site": STAFF,
    "stations/station": STAFF,
    "stations/evse": STAFF,
    "stations/session": STAFF,
    "stations/command": STAFF,
    "stations/idtoken": DESK,
    "stations/reservation": DESK,
    "stations/chargingprofile": who("manager accountant support"),
    "stations/pendingstation": NOBODY,
    "bookings/booking": CREW,
    "bookings/closure": CREW,
    "bookings/siterules": CREW,
    "billing/tariff": MONEY,
    "billing/tariffversion": MONEY,
    "billing/tariffassignment": MONEY,
    "billing/cdr": MONEY,
    "billing/invoice": MONEY,
    "billing/payment": MONEY,
    "billing/refund": MONEY,
    "billing/webhookevent": NOBODY,
    "monitoring/alert": CREW,
    # A whole operator's: the technician of some sites has no part in it.
    "monitoring/rule": DESK,
}


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
                and url.endswith("/change/")
                and role in IN_ADMIN[name]
                and response.status_code != 200
            ):
                wrong.append(f"{role}: {response.status_code} at {url}")
            if (
                row is not None
                and url.endswith("/change/")
                and role not in IN_ADMIN[name]
                and response.status_code == 200
            ):
                wrong.append(f"{role} opens {url}")
    assert not wrong, "\n".join(wrong)


def test_the_table_names_each_address_once():
    names = [str(line) for line in TABLE]
    assert len(set(names)) == len(names)
    assert set(chain.from_iterable(line.may for line in TABLE)) <= EVERYBODY

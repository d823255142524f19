"""The table of the authorisation matrix: who is let in at which address. A new page is a new line.

A line says who is let in (`may`), and who of them sees what is the first operator's or its driver's (`sees`;
else all). tests/test_authorisation.py tries all of it.
"""

from dataclasses import dataclass, field


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
    get("/ops/commands/{command}/", CREW),
    get("/ops/sessions/", STAFF | OTHER),
    get("/ops/sessions/{session}/", STAFF),
    get("/ops/sessions/orphans/", STAFF | OTHER),
    get("/ops/sessions/orphans/{orphan}/", STAFF),
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
    get("/api/v1/series/?evse={public_id}", STAFF | MONEY_KEYS, NOBODY),
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
    "stations/orphan": STAFF,
    "stations/pendingstation": NOBODY,
    "stations/quirk": who("manager accountant support"),
    "stations/signedvalue": STAFF,
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

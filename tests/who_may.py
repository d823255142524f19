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
WHOLE = who("manager accountant support")  # without who is limited to some sites
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
        "/status/",
        "/status/first/",
        "/s/{site}/book/",
        "/s/{site}/waitlist/",
        "/c/{public_id}/",
        "/q/nothing/1/nothing/",
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
    get("/r/{ended}/", EVERYBODY, OWNER),
    get("/r/{ended}/invoice.pdf", EVERYBODY, EVERYBODY),
    post("/r/{ended}/pay/", OWNER),
    # In the mail with a report: it ends that mail, and tells nothing else.
    get("/reports/stop/{stop}/", EVERYBODY, NOBODY),
]

#: Each shows what its owner may see, to whoever has its address (tests/bookings/test_feeds.py).
FEEDS = [
    post("/language/", EVERYBODY, NOBODY, language="en"),
    get("/me/calendar.ics", NOBODY),
    get("/me/calendar.ics?token={calendar}", EVERYBODY, EVERYBODY),
    get("/ops/sites/{site_id}/calendar/{site_calendar}.ics", EVERYBODY, EVERYBODY),
    get("/ops/sites/{site_id}/calendar/nothing.ics", NOBODY),
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
    post("/b/{booking}/take-offer/", OWNER),
    get("/b/{booking}/cancel/", OWNER),
    get("/b/{booking}/end/", OWNER),
    post("/b/{booking}/late/", OWNER),
    get("/b/series/{booking_series}/", OWNER | CREW),
    get("/b/series/{booking_series}/cancel/", OWNER),
    get("/b/{booking}/review/", OWNER),
    post("/b/{booking}/start/", OWNER),
    post("/c/{public_id}/start/", PERSONS, NOBODY),
    get("/start/{start}/", OWNER),
    get("/pay/{payment}/", OWNER),
    get("/w/{place}/", OWNER),
    post("/w/{place}/accept/", OWNER),
    post("/w/{place}/pause/", OWNER),
    post("/w/{place}/resume/", OWNER),
    post("/w/{place}/leave/", OWNER),
    get("/me/notifications/", PERSONS, OWNER),
    get("/me/notifications/add/ntfy/", PERSONS, NOBODY),
    get("/me/notifications/{channel}/confirm/", OWNER),
    post("/me/notifications/{channel}/code/", OWNER),
    post("/me/notifications/{channel}/test/", OWNER),
    post("/me/notifications/{channel}/remove/", OWNER),
    get("/me/calendar/", PERSONS, OWNER | CREW),
    post("/me/calendar/new/", CREW, site="{site_id}"),
    post("/me/calendar/end/", CREW, site="{site_id}"),
    get("/me/", PERSONS, OWNER),
    get("/me/cards/", PERSONS, OWNER),
    post("/me/cards/add/", PERSONS, OWNER),
    get("/me/cards/added/", PERSONS, OWNER),
    post("/me/cards/{card}/default/", OWNER),
    get("/me/cards/{card}/remove/", OWNER),
    get("/me/billing/", PERSONS, OWNER),
    get("/me/documents/", PERSONS, OWNER),
    get("/me/documents/2026-6.csv", PERSONS, OWNER),
    get("/me/documents/2026.zip", PERSONS, OWNER),
    get("/me/documents/report.csv?since=2026-06-01&until=2026-06-30", PERSONS, OWNER),
    post("/me/charges/{session}/vehicle/", OWNER),
    post("/r/{ended}/reissue/", OWNER),
    get("/me/wallet/", PERSONS, OWNER),
    get("/me/wallet/{top_up}/", OWNER),
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
    get("/ops/chargers/{station}/profiles/", STAFF),
    get("/ops/chargers/{station}/monitors/", STAFF),
    get("/ops/chargers/{station}/firmware/", STAFF),
    get("/ops/chargers/{station}/firmware/update/", who("manager technician")),
    # A charger of OCPP 1.6 publishes nothing, so not even its manager finds the page.
    get("/ops/chargers/{station}/firmware/publish/", NOBODY),
    get("/ops/chargers/{station}/firmware/log/", CREW),
    # An operator's images and campaigns are of all its sites.
    get("/ops/firmware/", STAFF | OTHER, WHOLE),
    get("/ops/firmware/images/new/", who("manager technician manager2"), NOBODY),
    post("/ops/firmware/images/{image}/retire/", MANAGER),
    get("/ops/firmware/campaigns/new/", who("manager technician manager2"), MANAGER | who("technician")),
    get("/ops/firmware/campaigns/{campaign}/", WHOLE),
    post("/ops/firmware/campaigns/{campaign}/pause/", MANAGER),
    post("/ops/firmware/publications/{publication}/withdraw/", who("manager technician")),
    get("/ops/logs/{log}/file", CREW),
    get("/ops/customers/", DESK | OTHER, DESK),
    post("/ops/customers/{inquiry}/show/", DESK),
    get("/ops/chargers/{station}/certificates/", STAFF),
    get("/ops/chargers/{station}/display/", STAFF),
    post("/ops/chargers/{station}/display/", CREW, do="ask-list"),
    get("/ops/chargers/{station}/do/restart/", CREW),
    get("/ops/chargers/{station}/call/", CREW),
    get("/ops/chargers/{station}/call/Reset/", CREW),
    get("/ops/chargers/{station}/config/", CREW),
    get("/ops/chargers/{station}/config/set/", CREW),
    get("/ops/chargers/{station}/config/do/password/", who("manager technician")),
    get("/ops/configuration/", CREW | OTHER, CREW),
    post("/ops/configuration/apply/", CREW | OTHER, CREW, station="{station}"),
    get("/ops/configuration/bulk/{runs}/", CREW),
    get("/ops/configuration/runs/{run}/", CREW),
    get("/ops/configuration/templates/new/", MANAGERS),
    get("/ops/configuration/templates/{template}/", MANAGER),
    get("/ops/configuration/templates/{template}/delete/", MANAGER),
    get("/ops/certificates/", STAFF | OTHER),
    get("/ops/certificates/{certificate}/revoke/", who("manager technician")),
    # A root of the portal's own authority is everybody's who runs chargers.
    get("/ops/certificates/authorities/csms.pem", STAFF | OTHER, NOBODY),
    get("/ops/certificates/roots/add/", MANAGERS, NOBODY),
    get("/ops/certificates/roots/{root}/delete/", MANAGER),
    get("/ops/commands/{command}/", CREW),
    post("/ops/commands/{command}/cancel/", CREW),
    post("/ops/plans/{plan}/end/", CREW),
    get("/ops/bulk/", CREW | OTHER, DESK),
    get("/ops/bulk/new/", CREW | OTHER, NOBODY),
    get("/ops/bulk/new/reset/", CREW | OTHER, NOBODY),
    get("/ops/bulk/new/1.6/Reset/", CREW | OTHER, NOBODY),
    get("/ops/bulk/{bulk}/", DESK),
    post("/ops/bulk/{bulk}/retry/", DESK),
    post("/ops/bulk/{bulk}/cancel/", DESK),
    get("/ops/sessions/", STAFF | OTHER),
    get("/ops/sessions/{session}/", STAFF),
    get("/ops/sessions/orphans/", STAFF | OTHER),
    get("/ops/sessions/orphans/{orphan}/", STAFF),
    get("/ops/alerts/", CREW | OTHER),
    post("/ops/alerts/{alert}/acknowledge/", CREW),
    get("/ops/alerts/{alert}/assign/", CREW),
    get("/ops/alerts/{alert}/snooze/", CREW),
    get("/ops/alerts/{alert}/resolve/", CREW),
    post("/ops/alerts/{alert}/wake/", CREW),
    post("/ops/alerts/{alert}/undo/", CREW),
    post("/ops/alerts/{alert}/job/", CREW),
    get("/ops/alerts/rules/", CREW | OTHER, NOBODY),
    get("/ops/alerts/rules/{rule}/", MANAGER, NOBODY),
    post("/ops/alerts/rules/{rule}/delete/", MANAGER, NOBODY),
    get("/ops/notifications/", CREW | OTHER, DESK),
    get("/ops/notifications/log/", CREW | OTHER, DESK),
    post("/ops/notifications/log/{delivery}/replay/", MANAGER),
    get("/ops/notifications/teams/new/", MANAGERS, NOBODY),
    get("/ops/notifications/teams/{team}/", MANAGER),
    post("/ops/notifications/teams/{team}/delete/", MANAGER),
    get("/ops/notifications/teams/{team}/channels/webhook/", MANAGER),
    post("/ops/notifications/channels/{team_channel}/test/", MANAGER),
    get("/ops/notifications/policies/new/", MANAGERS, MANAGERS),
    get("/ops/notifications/policies/{policy}/", MANAGER),
    post("/ops/notifications/policies/{policy}/delete/", MANAGER),
    get("/ops/work-orders/", CREW | OTHER),
    get("/ops/work-orders/new/", CREW | OTHER, CREW),
    get("/field/", CREW | OTHER),
    get("/field/chargers/{station}/", CREW),
    post("/field/chargers/{station}/visit/", who("manager technician")),
    get("/field/jobs/{job}/", CREW),
    post("/field/jobs/{job}/", who("manager technician"), what="note", text="x"),
    get("/field/photos/{photo}/", CREW),
    get("/ops/calendar/", CREW | OTHER, CREW),
    get("/ops/calendar/close/?site={site}", DESK),
    get("/ops/calendar/book/?site={site}", DESK),
    get("/ops/calendar/closures/{closure}/", CREW),
    get("/ops/calendar/bookings/{booking}/", CREW),
    post("/ops/calendar/bookings/{booking}/move/", DESK),
    post("/ops/calendar/bookings/{booking}/cancel/", DESK),
    get("/ops/events/", STAFF | OTHER, STAFF | OTHER),
    get("/ops/events.csv", STAFF | OTHER, STAFF),
    get("/ops/reports/", STAFF | OTHER, NOBODY),
    get("/ops/reports/sites.csv", STAFF | OTHER, NOBODY),
    get("/ops/reports/report.xlsx", STAFF | OTHER, NOBODY),
    get("/ops/reports/forecast/", STAFF | OTHER, NOBODY),
    get("/ops/reports/mail/", STAFF | OTHER, NOBODY),
    post("/ops/reports/mail/{schedule}/delete/", MANAGER),
    get("/ops/uptime/", STAFF | OTHER, NOBODY),
    get("/ops/uptime.csv", STAFF | OTHER, NOBODY),
    get("/ops/outages/", STAFF | OTHER, STAFF),
    get("/ops/outages/new/", who("manager technician manager2"), NOBODY),
    get("/ops/outages/{outage}/", STAFF),
    post("/ops/outages/{outage}/", who("manager technician"), note="x"),
    # A charger that nobody knows belongs to nobody yet.
    get("/ops/pending/", MANAGERS),
    get("/ops/pending/{pending}/", MANAGERS),
]

FINANCE = [
    get("/fin/invoices/", MONEY | OTHER),
    get("/fin/invoices/export.csv", MONEY | OTHER),
    get("/fin/invoices/{invoice}/invoice.pdf", MONEY),
    get("/fin/invoices/{invoice}/refund/", MONEY),
    get("/fin/invoices/{invoice}/", MONEY),
    post("/fin/invoices/{invoice}/resend/", MONEY),
    get("/fin/invoices/{invoice}/invoice.cii.xml", MONEY),
    get("/fin/exports/", MONEY | OTHER, MONEY),
    post("/fin/exports/new/", MONEY | OTHER, NOBODY, operator="first", what="vat.csv"),
    get("/fin/exports/{export}/file/", MONEY),
    get("/fin/months/", MONEY | OTHER),
    get("/fin/months/2026-01/", MONEY | OTHER),
    get("/fin/months/{closed}/reopen/", MANAGER),
    get("/fin/settings/", MONEY | OTHER),
    get("/fin/hosts/", MONEY | OTHER, MONEY),
    get("/fin/hosts/new/", MONEY | OTHER),
    get("/fin/hosts/{host}/", MONEY),
    post("/fin/hosts/{host}/2020-02/", MONEY),
    get("/fin/journal/", MONEY | OTHER, MONEY),
    get("/fin/journal/export.csv", MONEY | OTHER, MONEY),
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
    post("/api/v1/commands/{command}/cancel/", CREW | KEY),
    # The technician of some sites has no part in what is the whole operator's.
    get("/api/v1/bulk-commands/", CREW | OTHER | BOTH_KEYS, DESK | KEY),
    post("/api/v1/bulk-commands/", CREW | OTHER | BOTH_KEYS),
    get("/api/v1/bulk-commands/{bulk}/", DESK | KEY),
    post("/api/v1/bulk-commands/{bulk}/retry/", DESK | KEY),
    post("/api/v1/bulk-commands/{bulk}/cancel/", DESK | KEY),
    get("/api/v1/availability-plans/", STAFF | OTHER | KEYS),
    post("/api/v1/availability-plans/", CREW | OTHER | BOTH_KEYS),
    get("/api/v1/availability-plans/{plan}/", STAFF | MONEY_KEYS),
    post("/api/v1/availability-plans/{plan}/cancel/", CREW | KEY),
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
    get("/api/v1/installed-profiles/", STAFF | OTHER | KEYS, STAFF | MONEY_KEYS),
    post("/api/v1/installed-profiles/", CREW | OTHER | BOTH_KEYS, station="{identity}"),
    get("/api/v1/installed-profiles/{installed}/", STAFF | MONEY_KEYS),
    delete("/api/v1/installed-profiles/{installed}/", CREW | KEY),
    get("/api/v1/monitors/", STAFF | OTHER | KEYS, STAFF | MONEY_KEYS),
    post("/api/v1/monitors/", CREW | OTHER | BOTH_KEYS, station="{identity}"),
    get("/api/v1/monitors/{monitor}/", STAFF | MONEY_KEYS),
    delete("/api/v1/monitors/{monitor}/", CREW | KEY),
    get("/api/v1/events/", STAFF | OTHER | KEYS, STAFF | MONEY_KEYS),
    get("/api/v1/events/{event}/", STAFF | MONEY_KEYS),
    # Firmware and logs
    get("/api/v1/firmware-images/", STAFF | OTHER | KEYS, WHOLE | MONEY_KEYS),
    post("/api/v1/firmware-images/", MANAGERS | who("technician") | BOTH_KEYS),
    get("/api/v1/firmware-images/{image}/", WHOLE | MONEY_KEYS),
    delete("/api/v1/firmware-images/{image}/", MANAGER | KEY),
    post("/api/v1/firmware-images/{image}/install/", MANAGER | KEY),
    get("/api/v1/firmware-updates/", STAFF | OTHER | KEYS, STAFF | MONEY_KEYS),
    get("/api/v1/firmware-updates/{update}/", STAFF | MONEY_KEYS),
    get("/api/v1/firmware-campaigns/", STAFF | OTHER | KEYS, WHOLE | MONEY_KEYS),
    post("/api/v1/firmware-campaigns/", MANAGERS | who("technician") | BOTH_KEYS),
    get("/api/v1/firmware-campaigns/{campaign}/", WHOLE | MONEY_KEYS),
    get("/api/v1/firmware-campaigns/{campaign}/stations/", WHOLE | MONEY_KEYS),
    post("/api/v1/firmware-campaigns/{campaign}/pause/", MANAGER | KEY),
    post("/api/v1/firmware-campaigns/{campaign}/resume/", MANAGER | KEY),
    post("/api/v1/firmware-campaigns/{campaign}/cancel/", MANAGER | KEY),
    post("/api/v1/firmware-campaigns/{campaign}/retry/", MANAGER | KEY),
    get("/api/v1/logs/", CREW | OTHER | BOTH_KEYS, CREW | KEY),
    post("/api/v1/logs/", CREW | OTHER | BOTH_KEYS),
    get("/api/v1/logs/{log}/", CREW | KEY),
    get("/api/v1/logs/{log}/file/", CREW | KEY),
    post("/api/v1/stations/{identity}/configuration/", CREW | KEY),
    get("/api/v1/configuration/", CREW | OTHER | BOTH_KEYS),
    get("/api/v1/configuration-runs/", CREW | OTHER | BOTH_KEYS),
    get("/api/v1/configuration-runs/{run}/", CREW | KEY),
    get("/api/v1/configuration-templates/", CREW | OTHER | BOTH_KEYS, who("manager support key")),
    post("/api/v1/configuration-templates/", MANAGERS | who("technician") | BOTH_KEYS),
    get("/api/v1/configuration-templates/{template}/", who("manager support key")),
    patch("/api/v1/configuration-templates/{template}/", MANAGER | KEY),
    delete("/api/v1/configuration-templates/{template}/", MANAGER | KEY),
    get("/api/v1/certificates/", STAFF | OTHER | KEYS),
    get("/api/v1/certificates/{certificate}/", STAFF | MONEY_KEYS),
    post("/api/v1/certificates/{certificate}/revoke/", who("manager technician key")),
    get(
        "/api/v1/root-certificates/",
        STAFF | OTHER | KEYS,
        who("manager accountant support key key_accountant"),
    ),
    post("/api/v1/root-certificates/", MANAGERS | BOTH_KEYS),
    get("/api/v1/root-certificates/{root}/", who("manager accountant support key key_accountant")),
    delete("/api/v1/root-certificates/{root}/", MANAGER | KEY),
    get("/api/v1/local-lists/", STAFF | OTHER | KEYS),
    post("/api/v1/local-lists/", CREW | KEY, station="{identity}"),
    get("/api/v1/local-lists/{local_list}/", STAFF | MONEY_KEYS),
    get("/api/v1/display-messages/", STAFF | OTHER | KEYS),
    post("/api/v1/display-messages/", CREW | OTHER | BOTH_KEYS),
    get("/api/v1/display-messages/{display_message}/", STAFF | MONEY_KEYS),
    delete("/api/v1/display-messages/{display_message}/", CREW | KEY),
    get("/api/v1/settlements/", MONEY | OTHER | KEYS, MONEY | MONEY_KEYS),
    get("/api/v1/settlements/{settlement}/", MONEY | MONEY_KEYS),
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
    patch("/api/v1/bookings/{booking}/", OWNER | DESK | KEY),
    post("/api/v1/bookings/{booking}/extend/", OWNER | DESK | KEY),
    post("/api/v1/bookings/{booking}/late/", OWNER | DESK | KEY, minutes="10"),
    get("/api/v1/booking-series/", PERSONS | BOTH_KEYS, OWNER | CREW | KEY),
    post("/api/v1/booking-series/", PERSONS | BOTH_KEYS, evse="{evse}"),
    get("/api/v1/booking-series/{booking_series}/", OWNER | CREW | KEY),
    post("/api/v1/booking-series/{booking_series}/cancel/", OWNER | DESK | KEY),
    get("/api/v1/waitlist/", PERSONS | BOTH_KEYS, OWNER | CREW | KEY),
    post("/api/v1/waitlist/", PERSONS | BOTH_KEYS),
    get("/api/v1/waitlist/{place}/", OWNER | CREW | KEY),
    post("/api/v1/waitlist/{place}/accept/", OWNER),
    post("/api/v1/waitlist/{place}/pause/", OWNER),
    post("/api/v1/waitlist/{place}/resume/", OWNER),
    post("/api/v1/waitlist/{place}/leave/", OWNER | DESK | KEY),
    get("/api/v1/availability/?site={site}", PERSONS | KEYS, NOBODY),
    get("/api/v1/closures/", CREW | OTHER | BOTH_KEYS, CREW | KEY),
    post("/api/v1/closures/", DESK | OTHER | BOTH_KEYS, NOBODY, evse="{evse}"),
    get("/api/v1/closures/{closure}/", CREW | KEY),
    delete("/api/v1/closures/{closure}/", DESK | KEY),
    get("/api/v1/availability/first/", PERSONS | KEYS, EVERYBODY),
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
    get("/api/v1/wallets/", PERSONS | KEYS, OWNER | MONEY | MONEY_KEYS),
    get("/api/v1/wallets/{wallet}/", OWNER | MONEY | MONEY_KEYS),
    post("/api/v1/wallets/top-up/", PERSONS | KEYS),
    get("/api/v1/invoices/", PERSONS | KEYS, OWNER | MONEY | MONEY_KEYS),
    get("/api/v1/invoices/{invoice}/", OWNER | MONEY | MONEY_KEYS),
    get("/api/v1/invoices/{invoice}/pdf/", OWNER | MONEY | MONEY_KEYS),
    get("/api/v1/invoices/{invoice}/ubl/", OWNER | MONEY | MONEY_KEYS),
    get("/api/v1/invoices/{invoice}/cii/", OWNER | MONEY | MONEY_KEYS),
    get("/api/v1/exports/", MONEY | OTHER | KEYS, MONEY | MONEY_KEYS),
    post("/api/v1/exports/", MONEY | OTHER | KEYS, NOBODY, kind="vat"),
    get("/api/v1/exports/{export}/", MONEY | MONEY_KEYS),
    get("/api/v1/exports/{export}/file/", MONEY | MONEY_KEYS),
    get("/api/v1/exports/invoices.csv", MONEY | OTHER | KEYS, MONEY | MONEY_KEYS),
    # Alerts
    get("/api/v1/alerts/", CREW | OTHER | BOTH_KEYS),
    get("/api/v1/alerts/{alert}/", CREW | KEY),
    post("/api/v1/alerts/{alert}/acknowledge/", CREW | KEY),
    post("/api/v1/alerts/{alert}/assign/", CREW | KEY),
    post("/api/v1/alerts/{alert}/snooze/", CREW | KEY),
    post("/api/v1/alerts/{alert}/wake/", CREW | KEY),
    post("/api/v1/alerts/{alert}/resolve/", CREW | KEY),
    get("/api/v1/work-orders/", CREW | OTHER | BOTH_KEYS),
    post("/api/v1/work-orders/", CREW | OTHER | BOTH_KEYS),
    get("/api/v1/work-orders/{job}/", CREW | KEY),
    patch("/api/v1/work-orders/{job}/", who("manager technician key")),
    post("/api/v1/work-orders/{job}/close/", who("manager technician key")),
    post("/api/v1/work-orders/{job}/notes/", who("manager technician key")),
    get("/api/v1/reports/", STAFF | OTHER | KEYS, NOBODY),
    get("/api/v1/uptime/", STAFF | OTHER | KEYS, NOBODY),
    get("/api/v1/outages/", STAFF | OTHER | KEYS, STAFF | MONEY_KEYS),
    post("/api/v1/outages/", MANAGERS | who("technician") | BOTH_KEYS),
    get("/api/v1/outages/{outage}/", STAFF | MONEY_KEYS),
    patch("/api/v1/outages/{outage}/", who("manager technician key")),
]

#: Whoever has the address has the file: it is long and random, and given to one charger for a while.
FILES = [
    get("{fetch}", EVERYBODY, EVERYBODY),
    Line("{leave}", EVERYBODY, NOBODY, "put"),
]

#: Parts that check a signature of their own, or whose answer is about nobody.
OWN_LOCK = [
    get("/readyz", EVERYBODY, NOBODY),
    # From this machine, or with the token of METRICS_TOKEN; the test's requests come from here.
    get("/metrics", EVERYBODY, NOBODY),
    post("/ocsp/", EVERYBODY, NOBODY),
    get("/ocsp/MAA=", EVERYBODY, NOBODY),
    get("/crl/csms.crl", EVERYBODY, NOBODY),
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

TABLE = [
    *PUBLIC,
    *LINKS,
    *FEEDS,
    *ACCOUNT,
    *DRIVERS,
    *OPS,
    *FINANCE,
    *MACHINES,
    *FILES,
    *OWN_LOCK,
    *BACK_OFFICE,
]

#: Who finds rows there. Whoever runs the portal itself is not in the matrix: a superuser sees everything.
IN_ADMIN = {
    "accounts/apikey": MANAGER,
    "accounts/change": MANAGER,
    "accounts/membership": MANAGER,
    "accounts/operator": MANAGER,
    "accounts/user": NOBODY,
    "accounts/vehicle": NOBODY,
    "account/emailaddress": NOBODY,
    "auth/group": NOBODY,
    "mfa/authenticator": NOBODY,
    "outbox/mail": NOBODY,
    "outbox/sentmail": NOBODY,
    "outbox/channel": NOBODY,
    "outbox/channelmessage": NOBODY,
    "outbox/wish": NOBODY,
    "stations/site": STAFF,
    "stations/station": STAFF,
    "stations/evse": STAFF,
    "stations/session": STAFF,
    "stations/command": STAFF,
    "stations/bulkcommand": DESK,
    "stations/availabilityplan": STAFF,
    "stations/idtoken": DESK,
    "stations/tokenrules": DESK,
    "stations/settlement": MONEY,
    "stations/reservation": DESK,
    "stations/chargingprofile": who("manager accountant support"),
    "stations/orphan": STAFF,
    "stations/installedprofile": STAFF,
    "stations/monitor": STAFF,
    "stations/defaultmonitor": who("manager accountant support"),
    "stations/dercontrol": STAFF,
    "stations/event": STAFF,
    "stations/firmwareimage": WHOLE,
    "stations/firmwareupdate": STAFF,
    "stations/campaign": WHOLE,
    "stations/logrequest": CREW,
    "stations/setting": CREW,
    "stations/configurationrun": CREW,
    "stations/configurationtemplate": DESK,
    "stations/certificate": STAFF,
    "stations/installedcertificate": STAFF,
    "stations/rootcertificate": who("manager accountant support"),
    "stations/authority": NOBODY,
    "stations/pendingstation": NOBODY,
    "stations/quirk": who("manager accountant support"),
    "stations/signedvalue": STAFF,
    "bookings/booking": CREW,
    "bookings/closure": CREW,
    "bookings/claim": CREW,
    "bookings/siterules": CREW,
    "bookings/maintenancerule": CREW,
    "bookings/waitlistplace": CREW,
    "bookings/offer": CREW,
    "billing/tariff": MONEY,
    "billing/tariffversion": MONEY,
    "billing/tariffassignment": MONEY,
    "billing/cdr": MONEY,
    "billing/invoice": MONEY,
    "billing/account": MONEY,
    "billing/books": MONEY,
    "billing/closedmonth": MONEY,
    "billing/documentevent": MONEY,
    "billing/export": MONEY,
    "billing/host": MONEY,
    "billing/hostshare": MONEY,
    "billing/vatregistration": MONEY,
    "billing/payment": MONEY,
    "billing/refund": MONEY,
    "billing/webhookevent": NOBODY,
    "billing/journal": MONEY,
    "billing/ledgeraccount": MONEY,
    "billing/topup": MONEY,
    "monitoring/alert": CREW,
    "monitoring/outage": STAFF,
    "monitoring/workorder": CREW,
    "monitoring/team": DESK,
    "monitoring/policy": DESK,
    "monitoring/delivery": DESK,
    # A whole operator's: the technician of some sites has no part in it.
    "monitoring/rule": DESK,
}

"""The admin: each operator's people see and change their own rows, and only what their role is for."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import DateField
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from billing.models import (
    Account,
    BalanceTransaction,
    Books,
    Cdr,
    ClosedMonth,
    Difference,
    Dispute,
    DocumentEvent,
    Entry,
    Export,
    FeeDebt,
    HoldIncrement,
    HoldRules,
    HolidayCalendar,
    Host,
    HostShare,
    Invoice,
    InvoiceLine,
    Journal,
    LedgerAccount,
    Payment,
    Plan,
    PlanVersion,
    PriceGroup,
    Reconciliation,
    Refund,
    Series,
    Subscription,
    Tariff,
    TariffAssignment,
    TariffDraft,
    TariffRules,
    TariffVersion,
    TopUp,
    VatRegistration,
)
from bookings.models import Booking, Claim, Closure, MaintenanceRule, Offer, SiteRules, WaitlistPlace
from evportal.accounts.audit.models import Change
from evportal.accounts.models import ApiKey, Membership
from evportal.admin import ScopedAdmin, SuperuserAdmin
from evportal.outbox.models import Mail
from monitoring.models import (
    Alert,
    Delivery,
    LoadGroup,
    LoadMember,
    LoadSite,
    Outage,
    Policy,
    Rule,
    Team,
    WorkOrder,
)
from stations.models import (
    AvailabilityPlan,
    BulkCommand,
    Campaign,
    Certificate,
    ChargingProfile,
    Command,
    ConfigurationRun,
    ConfigurationTemplate,
    DefaultMonitor,
    DerControl,
    Event,
    Evse,
    FirmwareImage,
    FirmwareUpdate,
    IdToken,
    InstalledCertificate,
    InstalledProfile,
    LoggedMessage,
    LogRequest,
    MeterKey,
    Monitor,
    Orphan,
    Quirk,
    Reservation,
    RootCertificate,
    Session,
    Setting,
    Settlement,
    SignedCheck,
    SignedValue,
    Site,
    Station,
    TokenRules,
)
from tests import make

pytestmark = pytest.mark.django_db

PRICES = {
    "id": "T1",
    "currency": "EUR",
    "tax_included": "NO",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.45, "vat": 19.0, "step_size": 1}]}],
}


@pytest.fixture(autouse=True)
def _no_second_factor(settings):
    settings.STAFF_MFA_REQUIRED = False


class House:
    """An operator with one row of everything that the admin shows."""

    def __init__(self):
        now = timezone.now()
        self.operator = make.operator()
        self.site = make.site(operator=self.operator)
        self.station = make.station(site=self.site)
        self.evse = make.evse(station=self.station)
        self.driver = make.user()
        token = make.id_token(operator=self.operator, user=self.driver)
        session = make.session(evse=self.evse, user=self.driver, id_token=token, minutes=30, energy_wh=5000)
        tariff = Tariff.objects.create(operator=self.operator, name="Standard")
        version = TariffVersion.objects.create(tariff=tariff, number=1, valid_from=now, ocpi=PRICES)
        span = {"starts_at": now + timedelta(hours=1), "ends_at": now + timedelta(hours=2)}
        payment = Payment.objects.create(operator=self.operator, currency="EUR", amount=40, amount_captured=9)
        series = Series.objects.create(operator=self.operator, prefix="A-")
        money = {"net": Decimal(8), "tax": Decimal(1), "gross": Decimal(9), "currency": "EUR"}
        invoice = Invoice.objects.create(
            operator=self.operator,
            site=self.site,
            series=series,
            sequence=1,
            number="A-1",
            issued_at=now,
            supplied_on=now.date(),
            booked_on=now.date(),
            vat_country="DE",
            seller={},
            buyer={},
            **money,
        )
        InvoiceLine.objects.create(
            invoice=invoice, position=1, kind="FEE", text="x", quantity=1, unit_price=9, vat_percent=0,
            net=8, tax=1, gross=9,
        )  # fmt: skip
        place = WaitlistPlace.objects.create(
            site=self.site,
            user=self.driver,
            starts_after=span["starts_at"],
            ends_before=span["ends_at"],
            minutes=30,
            queued_at=now,
        )
        host = Host.objects.create(operator=self.operator, name="Host")
        image = make.firmware_image(operator=self.operator)
        due = {"state_at": now, "expires_at": now}
        key, api_key = ApiKey.issue(operator=self.operator, role="manager", name="machine")
        # Both sides on one account, because there is one row of everything.
        account = LedgerAccount.objects.create(operator=self.operator, code="1000", currency="EUR")
        journal = Journal.objects.create(
            operator=self.operator,
            key=f"house {self.operator.pk}",
            kind="payout",
            at=now,
            currency="EUR",
            amount=9,
            entry_count=2,
        )
        Entry.objects.create(journal=journal, account=account, debit=9)
        Entry.objects.create(journal=journal, account=account, credit=9)
        change = Change.objects.create(
            at=now,
            operator=self.operator,
            model="stations.site",
            object_id=self.site.pk,
            name="x",
            action="changed",
            fields={"name": ["a", "b"], "operator_id": [None, self.operator.pk]},
        )
        plan = Plan.objects.create(operator=self.operator, key="gold", name="Gold")
        agreed = PlanVersion.objects.create(plan=plan, number=1, currency="EUR", fee=9, vat_percent=19)
        rows = [
            change,
            plan,
            Subscription.objects.create(operator=self.operator, user=self.driver, plan=plan, version=agreed),
            account,
            journal,
            TopUp.objects.create(operator=self.operator, user=self.driver, amount=9, currency="EUR"),
            self.operator,
            self.site,
            self.station,
            self.evse,
            token,
            session,
            tariff,
            version,
            payment,
            api_key,
            image,
            FirmwareUpdate.objects.create(station=self.station, image=image, retrieve_at=now, **due),
            Campaign.objects.create(operator=self.operator, image=image, name="x", starts_at=now),
            LogRequest.objects.create(station=self.station, **due),
            make.logged(station=self.station),
            Membership.objects.create(user=make.user(), operator=self.operator, role="support"),
            Command.objects.create(station=self.station, action="Reset", expires_at=now),
            BulkCommand.objects.create(operator=self.operator, what="Reset", calls={}, told_at=now),
            AvailabilityPlan.objects.create(station=self.station, starts_at=now),
            ChargingProfile.objects.create(operator=self.operator, description="Slow", profile={}),
            Event.objects.create(station=self.station, kind="fault", code="E", at=now, received_at=now),
            InstalledProfile.objects.create(station=self.station, profile_id=1, purpose="TxProfile"),
            Monitor.objects.create(station=self.station, component="EVSE", variable="Power", value=1),
            DerControl.objects.create(station=self.station, control_id="1", updated_at=now),
            DefaultMonitor.objects.create(operator=self.operator, component="C", variable="V", value=1),
            ConfigurationTemplate.objects.create(operator=self.operator, name="All", values={"A": "1"}),
            ConfigurationRun.objects.create(station=self.station, kind="read"),
            Setting.objects.create(station=self.station, path="A", variable="A"),
            Reservation.objects.create(evse=self.evse, id_token=token, **span),
            Orphan.objects.create(
                station=self.station, kind="stop", payload={}, first_received_at=now, received_at=now
            ),
            SignedValue.objects.create(
                evse=self.evse,
                session=session,
                at=now,
                received_at=now,
                context="Transaction.End",
                data="OCMF|",
            ),
            MeterKey.objects.create(evse=self.evse, key="3059", fingerprint="f"),
            SignedCheck.objects.create(session=session, verdict="good", checked_at=now),
            Quirk.objects.create(operator=self.operator, vendor="Vendor"),
            SiteRules.objects.create(site=self.site),
            Closure.objects.create(evse=self.evse, **span),
            Claim.objects.create(
                evse=self.evse,
                closure=Closure.objects.get(evse=self.evse),
                period=(span["starts_at"], span["ends_at"]),
            ),
            Booking.objects.create(evse=self.evse, user=self.driver, **span),
            MaintenanceRule.objects.create(
                site=self.site, evse=self.evse, rule="FREQ=WEEKLY", first_on=now.date(), begins=now.time()
            ),
            place,
            Offer.objects.create(
                place=place,
                booking=Booking.objects.create(evse=self.evse, user=self.driver, **span),
                state="expired",
                made_at=now,
                expires_at=now + timedelta(minutes=5),
            ),
            TariffAssignment.objects.create(tariff=tariff, site=self.site),
            Cdr.objects.create(session=session, version=version, **money),
            Refund.objects.create(payment=payment, amount=1, reason="x"),
            HoldIncrement.objects.create(payment=payment, before=30, amount=40, state="done"),
            HoldRules.objects.create(site=self.site),
            FeeDebt.objects.create(
                booking=Booking.objects.create(evse=self.evse, user=self.driver, **span),
                operator=self.operator,
                currency="EUR",
                amount=5,
            ),
            Dispute.objects.create(
                operator=self.operator,
                payment=payment,
                stripe_id=f"du_{self.site.pk}",
                currency="EUR",
                amount=1,
                status="lost",
                opened_at=now,
            ),
            BalanceTransaction.objects.create(
                operator=self.operator,
                stripe_id=f"txn_{self.site.pk}",
                currency="EUR",
                amount=1,
                fee=0,
                net=1,
                at=now,
                available_on=now,
            ),
            Reconciliation.objects.create(
                operator=self.operator,
                day=now.date(),
                currency="EUR",
                ran_at=now,
                compared=0,
                theirs=0,
                ours=0,
            ),
            Difference.objects.create(
                operator=self.operator,
                day=now.date(),
                kind="amount",
                object_id="x",
                currency="EUR",
                amount=1,
                found_at=now,
                seen_at=now,
            ),
            invoice,
            DocumentEvent.objects.create(invoice=invoice, kind="issued", at=now),
            host,
            HostShare.objects.create(host=host, site=self.site, valid_from=now.date(), percent=1),
            Books.objects.create(operator=self.operator),
            ClosedMonth.objects.create(operator=self.operator, month="2020-01-01", closed_at=now),
            Export.objects.create(
                operator=self.operator, kind="vat", format="csv", params={}, expires_at=now
            ),
            Account.objects.create(operator=self.operator, name="Fleet"),
            VatRegistration.objects.create(operator=self.operator, country="AT", vat_id="ATU1"),
            TariffDraft.objects.create(tariff=tariff, ocpi=PRICES),
            TariffRules.objects.create(operator=self.operator),
            PriceGroup.objects.create(operator=self.operator, key="fleet", name="Fleet"),
            HolidayCalendar.objects.create(operator=self.operator, name="x", days=["2026-12-25"]),
            TokenRules.objects.create(operator=self.operator),
            Settlement.objects.create(
                station=self.station, psp_ref="x", status="Settled", amount=9, settled_at=now, received_at=now
            ),
            Certificate.objects.create(station=self.station, use="ChargingStationCertificate", csr="x"),
            InstalledCertificate.objects.create(station=self.station, kind="MORootCertificate", seen_at=now),
            RootCertificate.objects.create(operator=self.operator, kind="x", name="x", not_after=now),
            Rule.objects.get(operator=self.operator, kind="offline"),
            Outage.objects.create(evse=self.evse, begins_at=now, cause="faulted"),
            Alert.objects.create(
                site=self.site,
                kind="offline",
                cause=f"offline:site:{self.site.pk}",
                severity="critical",
                title="x",
                opened_at=now,
                last_seen_at=now,
            ),
            load_site := LoadSite.objects.create(site=self.site),
            LoadMember.objects.create(
                evse=self.evse,
                group=LoadGroup.objects.create(
                    load_site=load_site, name="x", limit_l1=63, limit_l2=63, limit_l3=63
                ),
            ),
            WorkOrder.objects.create(site=self.site, title="x", created_at=now),
            Team.objects.create(operator=self.operator, name="x"),
            Policy.objects.create(operator=self.operator, name="x"),
            Delivery.objects.create(
                operator=self.operator, key=f"x {self.site.pk}", user=make.user(), created_at=now, next_at=now
            ),
        ]
        self.rows = {type(row): row for row in rows}


SCOPED = [model for model, page in admin.site._registry.items() if isinstance(page, ScopedAdmin)]
NOT_SCOPED = [model for model in admin.site._registry if model not in SCOPED]

OWN = [model for model in admin.site._registry if model._meta.app_label not in ("account", "mfa")]

EVERYBODY = (
    Site,
    Station,
    Evse,
    Session,
    Command,
    ChargingProfile,
    Event,
    InstalledProfile,
    Monitor,
    DerControl,
    DefaultMonitor,
    FirmwareImage,
    FirmwareUpdate,
    Campaign,
    Certificate,
    InstalledCertificate,
    RootCertificate,
    AvailabilityPlan,
    Orphan,
    SignedValue,
    SignedCheck,
    MeterKey,
    Quirk,
    Outage,
    LoadSite,
    LoadMember,
)
CREW = (
    BulkCommand,
    ConfigurationTemplate,
    ConfigurationRun,
    Setting,
    LogRequest,
    LoggedMessage,
    SiteRules,
    Closure,
    Claim,
    Booking,
    MaintenanceRule,
    WaitlistPlace,
    Offer,
    Rule,
    Alert,
    WorkOrder,
    Team,
    Policy,
    Delivery,
)
#: What each role finds in the admin; the manager finds all of it.
SEES = {
    "technician": {*EVERYBODY, *CREW},
    "accountant": {
        *EVERYBODY,
        Tariff,
        TariffVersion,
        TariffAssignment,
        Cdr,
        Invoice,
        Payment,
        Refund,
        FeeDebt,
        HoldIncrement,
        HoldRules,
        LedgerAccount,
        Journal,
        Dispute,
        BalanceTransaction,
        Reconciliation,
        Difference,
        TopUp,
        Plan,
        Subscription,
        Settlement,
        Account,
        Books,
        ClosedMonth,
        DocumentEvent,
        Export,
        Host,
        HostShare,
        VatRegistration,
    },
    "support": {*EVERYBODY, *CREW, IdToken, TokenRules, Reservation},
}
CHANGES = {
    "technician": {Station, Evse, MeterKey, ConfigurationTemplate, Outage},
    "accountant": {Account, VatRegistration},
    "support": {IdToken, TokenRules, MaintenanceRule},
}


def address(model, page="changelist", *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def listed(client, model):
    answer = client.get(address(model))
    return (
        {row.pk for row in answer.context["cl"].result_list}
        if answer.status_code == 200
        else answer.status_code
    )


def test_every_model_is_of_one_kind_or_the_other():
    own = [model for model in NOT_SCOPED if model._meta.app_label not in ("account", "mfa")]
    assert own and all(isinstance(admin.site._registry[model], SuperuserAdmin) for model in own)
    assert set(House().rows) == set(SCOPED)


@pytest.mark.parametrize("model", OWN, ids=lambda model: model._meta.label)
def test_every_list_is_searched_and_filtered_and_leafed_through_by_date(model):
    page = admin.site._registry[model]
    assert page.search_fields and page.list_filter
    dated = [field.name for field in model._meta.fields if isinstance(field, DateField)]
    # Some dates are those of a state, which changes all day.
    states = (Evse, TokenRules, LoadSite, LoadMember, TariffRules)
    if model is LoggedMessage:
        # Which days there are would be asked of every row of a table that holds every frame.
        return
    assert page.date_hierarchy in dated if dated and model not in states else True


def test_a_manager_sees_all_of_the_own_house_and_nothing_of_another(client):
    own, other = House(), House()
    client.force_login(make.member(operator=own.operator))
    for model in SCOPED:
        mine, theirs = own.rows[model], other.rows[model]
        found = listed(client, model)
        assert mine.pk in found and theirs.pk not in found, model
        assert client.get(address(model, "change", mine.pk)).status_code == 200, model
        for page in ("change", "history", "delete"):
            answer = client.get(address(model, page, theirs.pk))
            assert answer.status_code in (302, 403, 404), (model, page)
            assert client.post(address(model, page, theirs.pk), {"post": "yes"}).status_code in (
                302,
                403,
                404,
            )
        assert type(theirs)._base_manager.filter(pk=theirs.pk).exists(), model


@pytest.mark.parametrize("role", SEES)
def test_what_a_role_sees_and_changes(client, role):
    house = House()
    client.force_login(make.member(operator=house.operator, role=role))
    for model in SCOPED:
        row = house.rows[model]
        if model in SEES[role]:
            assert row.pk in listed(client, model), model
            page = client.get(address(model, "change", row.pk))
            assert page.status_code == 200, model
            assert page.context["has_change_permission"] is (model in CHANGES[role]), model
        else:
            assert listed(client, model) == 403, model
            assert client.get(address(model, "change", row.pk)).status_code == 403, model


def test_one_site_is_one_site(client):
    house = House()
    other = make.evse(station=make.station(site=make.site(operator=house.operator)))
    client.force_login(make.member(operator=house.operator, role="manager", sites=[house.site]))
    assert listed(client, Site) == {house.site.pk}
    assert listed(client, Evse) == {house.evse.pk}
    assert client.get(address(Station, "change", other.station.pk)).status_code == 302
    assert listed(client, Membership) == set() and listed(client, Tariff) == set()
    assert client.get(address(Site, "add")).status_code == 403


@pytest.mark.parametrize("model", NOT_SCOPED, ids=lambda model: model.__name__)
def test_the_rest_is_for_superusers(client, model):
    client.force_login(make.member(operator=make.operator()))
    assert client.get(address(model)).status_code == 403
    client.force_login(make.user(is_staff=True, is_superuser=True))
    assert client.get(address(model)).status_code == 200


def test_superusers_change_no_records_either(client):
    house = House()
    client.force_login(make.user(is_staff=True, is_superuser=True))
    for model in (Session, Command, Invoice, Payment, Refund, Cdr, Booking, Alert, TariffVersion):
        page = client.get(address(model, "change", house.rows[model].pk))
        assert page.status_code == 200 and not page.context["has_change_permission"], model
        assert client.post(address(model, "delete", house.rows[model].pk)).status_code == 403, model


def test_drivers_and_strangers_stay_outside(client):
    assert client.get(reverse("admin:index")).status_code == 302
    client.force_login(make.user())
    assert client.get(reverse("admin:index")).status_code in (302, 403)


def test_the_admin_has_no_login_of_its_own(client):
    answer = client.get(reverse("admin:login"))
    assert answer.status_code == 302 and answer["Location"].startswith(reverse("account_login"))


def test_choices_offer_only_the_own(client):
    own, other = House(), House()
    client.force_login(make.member(operator=own.operator))
    for model, field in [
        (Site, "operator"),
        (Station, "site"),
        (Evse, "station"),
        (IdToken, "operator"),
        (Tariff, "operator"),
        (TariffVersion, "tariff"),
        (TariffAssignment, "site"),
        (TariffAssignment, "evse"),
        (SiteRules, "site"),
        (Closure, "evse"),
        (Membership, "operator"),
        (ApiKey, "operator"),
        (Rule, "operator"),
    ]:
        form = client.get(address(model, "add")).context["adminform"].form
        offered = set(form.fields[field].queryset)
        assert offered and not offered & {other.rows[type(row)] for row in offered}, (model, field)


def test_autocomplete_and_filters_list_only_the_own(client):
    own, other = House(), House()
    client.force_login(make.member(operator=own.operator))
    for model, field in [("station", "site"), ("evse", "station"), ("tariffassignment", "tariff")]:
        app = "billing" if model.startswith("tariff") else "stations"
        query = {"app_label": app, "model_name": model, "field_name": field}
        found = client.get(reverse("admin:autocomplete"), query).json()["results"]
        assert len(found) == 1
    page = client.get(address(Station)).content.decode()
    assert own.site.name in page and other.site.name not in page
    assert listed(client, Station) == {own.station.pk}
    answer = client.get(address(Station) + f"?site__id__exact={other.site.pk}")
    assert {row.pk for row in answer.context["cl"].result_list} <= {own.station.pk}


def test_a_row_can_not_be_moved_into_another_house(client):
    own, other = House(), House()
    client.force_login(make.member(operator=own.operator))
    url = address(Station, "change", own.station.pk)
    form = client.get(url).context["adminform"].form
    data = (
        {name: form[name].value() or "" for name in form.fields} | {"site": other.site.pk} | formset("evses")
    )
    assert client.post(url, data).status_code == 200
    own.station.refresh_from_db()
    assert own.station.site == own.site


def formset(prefix):
    return {
        f"{prefix}-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")
    }


def test_a_stations_password_is_set_and_never_shown(client):
    house = House()
    client.force_login(make.member(operator=house.operator, role="technician"))
    data = {
        "site": house.site.pk,
        "name": "New",
        "identity": "NEW-9",
        "security_profile": "1",
        "registration": "Accepted",
        "new_password": "a-long-enough-password",
    } | formset("evses")
    assert client.post(address(Station, "add"), data).status_code == 302
    station = Station.objects.get(identity="NEW-9")
    assert station.check_password("a-long-enough-password")
    page = client.get(address(Station, "change", station.pk)).content.decode()
    assert station.password_hash not in page and "a-long-enough-password" not in page
    for bad in ("short", "has spaces in it here", "ümlaute-in-the-password"):
        again = data | {"identity": f"X-{len(bad)}", "new_password": bad}
        assert client.post(address(Station, "add"), again).status_code == 200, bad


def test_an_api_key_is_shown_once(client):
    house = House()
    manager = make.member(operator=house.operator)
    client.force_login(manager)
    data = {"operator": house.operator.pk, "role": "technician", "name": "SCADA"}
    answer = client.post(address(ApiKey, "add"), data)
    key = answer.context["api_key"]
    row = ApiKey.objects.get(name="SCADA")
    assert key in answer.content.decode() and "no-store" in answer["Cache-Control"]
    assert row.key_hash == ApiKey.hash(key) and row.created_by == manager and ApiKey.objects.count() == 2
    assert key not in client.get(address(ApiKey, "change", row.pk)).content.decode()
    asked = client.post(address(ApiKey), {"action": "revoke", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert not row.revoked_at and "1 row is concerned" in asked.content.decode()
    client.post(address(ApiKey), {"action": "revoke", "_selected_action": [row.pk], "agreed": "1"})
    row.refresh_from_db()
    assert row.revoked_at


def test_members_are_named_by_their_e_mail(client):
    house = House()
    client.force_login(make.member(operator=house.operator))
    newcomer = make.user(email="new@example.com")
    data = {"operator": house.operator.pk, "role": "support", "is_active": "on"}
    add = address(Membership, "add")
    assert client.post(add, data | {"user": "nobody@example.com"}).status_code == 200
    assert client.post(add, data | {"user": "NEW@example.com"}).status_code == 302
    newcomer.refresh_from_db()
    assert newcomer.memberships.get().role == "support" and newcomer.is_staff
    assert house.driver.email not in client.get(add).content.decode()


def test_new_prices_are_a_new_version(client):
    house = House()
    manager = make.member(operator=house.operator)
    client.force_login(manager)
    tariff = house.rows[Tariff]
    add = address(TariffVersion, "add")
    later = timezone.now() + timedelta(days=1)
    data = {"tariff": tariff.pk, "valid_from_0": f"{later:%Y-%m-%d}", "valid_from_1": "00:00"}
    import json

    for bad in (
        {"id": "T"},
        PRICES | {"currency": "USD"},
        PRICES | {"elements": [{"price_components": [{"type": "LOVE", "price": 1, "step_size": 1}]}]},
        [],
        "text",
    ):
        assert client.post(add, data | {"ocpi": json.dumps(bad)}).status_code == 200, bad
    past = data | {"ocpi": json.dumps(PRICES), "valid_from_0": "2020-01-01"}
    assert client.post(add, past).status_code == 200
    assert tariff.versions.count() == 1
    assert client.post(add, data | {"ocpi": json.dumps(PRICES)}).status_code == 302
    version = tariff.versions.first()
    assert (version.number, version.created_by, version.ocpi) == (2, manager, PRICES)


def test_a_closure_does_not_overlap_what_is_planned(client):
    house = House()
    client.force_login(make.member(operator=house.operator))
    tomorrow = timezone.now() + timedelta(days=1)
    data = {
        "evse": house.evse.pk,
        "kind": "maintenance",
        "starts_at_0": f"{tomorrow:%Y-%m-%d}",
        "starts_at_1": "10:00",
        "ends_at_0": f"{tomorrow:%Y-%m-%d}",
        "ends_at_1": "11:00",
        "reason": "New cable",
    }
    Closure.objects.all().delete()
    add = address(Closure, "add")
    assert client.post(add, data).status_code == 302
    assert Closure.objects.get().claim.period.lower.hour == 10
    answer = client.post(add, data, follow=True)
    assert Closure.objects.count() == 1
    assert answer.status_code == 200 and "messages" in answer.context


def test_who_may_not_know_drivers_is_not_told(client):
    house = House()
    for role, told in [("technician", False), ("support", True)]:
        client.force_login(make.member(operator=house.operator, role=role))
        page = client.get(address(Session, "change", house.rows[Session].pk)).content.decode()
        assert (house.driver.email in page) is told, role


def test_queries_do_not_grow_with_the_rows(client):
    client.force_login(make.user(is_staff=True, is_superuser=True))
    counts = []
    for more in (2, 3):
        for _house in range(more):
            House()
        counts.append({})
        for model in SCOPED:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address(model)).status_code == 200, model
            counts[-1][model] = len(queries)
    assert counts[0] == counts[1]


def test_mail_is_for_superusers(client):
    Mail.objects.create(key="x", to="a@example.com", subject="s", text="t")
    client.force_login(make.member(operator=make.operator()))
    assert client.get(address(Mail)).status_code == 403


def test_a_profile_that_no_version_knows_is_refused(client):
    house = House()
    client.force_login(make.member(operator=house.operator))
    wrong = {"operator": house.operator.pk, "description": "Wrong", "profile": '{"stackLevel": 0}'}
    answer = client.post(address(ChargingProfile, "add"), wrong)
    assert "profile" in answer.context["adminform"].form.errors
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6}]}
    profile = {
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": schedule,
    }
    right = wrong | {"description": "Right", "profile": json.dumps(profile)}
    assert client.post(address(ChargingProfile, "add"), right).status_code == 302
    assert ChargingProfile.objects.get(description="Right").profile == profile

"""Two operators, everybody who may knock, and a row of everything: what the authorisation matrix is tried on.

Whatever only some may see carries a word of its place, so that a leak is found by looking for it.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlsplit

from allauth.mfa.models import Authenticator
from django.core.files.base import ContentFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, resolve
from django.utils import timezone

from billing import actions, debt_links
from billing.actions import posting
from billing.gateway import PayPage
from billing.models import (
    Account,
    AccountDriver,
    BalanceTransaction,
    Books,
    Card,
    Cdr,
    ClosedMonth,
    Customer,
    Difference,
    Dispute,
    DocumentEvent,
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
    Payout,
    Plan,
    PlanVersion,
    PriceGroup,
    PriceGroupMember,
    Quote,
    Reconciliation,
    Refund,
    Series,
    Start,
    Subscription,
    Tariff,
    TariffAssignment,
    TariffDraft,
    TariffRules,
    TariffVersion,
    TopUp,
    VatRegistration,
)
from bookings import feeds
from bookings.models import (
    Booking,
    BookingSeries,
    Claim,
    Closure,
    MaintenanceRule,
    Offer,
    SiteRules,
    WaitlistPlace,
)
from evportal.accounts import guests
from evportal.accounts.audit.models import Change
from evportal.accounts.models import ApiKey, Guest, Membership, Operator, User, Vehicle
from evportal.outbox.models import Channel, ChannelMessage, Mail, SentMail, Wish
from monitoring.models import (
    Alert,
    Delivery,
    LoadGroup,
    LoadMember,
    LoadSite,
    Outage,
    Photo,
    Policy,
    Rule,
    ScheduledReport,
    Team,
    TeamChannel,
    WorkOrder,
)
from stations.certificates import local
from stations.files import tickets
from stations.models import (
    AvailabilityPlan,
    BulkCommand,
    Campaign,
    CampaignStation,
    Certificate,
    ChargingProfile,
    Command,
    ConfigurationRun,
    ConfigurationTemplate,
    CustomerInformationPart,
    CustomerInquiry,
    DefaultMonitor,
    DerControl,
    DisplayMessage,
    Event,
    FirmwareUpdate,
    InstalledCertificate,
    InstalledProfile,
    LocalList,
    LoggedMessage,
    LogRequest,
    Message,
    MeterKey,
    Monitor,
    Orphan,
    PendingStation,
    Publication,
    Quirk,
    Reading,
    Reservation,
    RootCertificate,
    Setting,
    Settlement,
    SignedCheck,
    SignedValue,
    Site,
    TokenRules,
)
from tests import make

#: At the first operator's first site and its second, and at the second operator's.
MINE, AWAY, THEIRS = "Xyzzy", "Frotz", "Plugh"
OCPI = {
    "id": "T",
    "currency": "EUR",
    "tax_included": "YES",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.5, "vat": 19, "step_size": 1}]}],
}


@dataclass
class Place:
    """A site with a row of everything; `ids` fill the addresses of the table, `rows` are for the admin."""

    operator: Operator
    ids: dict[str, object] = field(default_factory=dict)
    rows: dict[type, object] = field(default_factory=dict)


@dataclass
class World:
    mine: Place
    #: The same operator's, where the technician has no business.
    away: Place
    #: By role: somebody signed in, a key, or nobody.
    clients: dict[str, Client] = field(default_factory=dict)


def build() -> World:
    operator, other = make.operator(slug="first"), make.operator(slug="second")
    driver = make.user()
    mine, away = furnish(operator, driver, MINE), furnish(operator, make.user(), AWAY)
    furnish(other, make.user(), THEIRS)
    staff = {role: make.member(operator=operator, role=role) for role in ("manager", "accountant", "support")}
    staff["technician"] = make.member(operator=operator, role="technician", sites=[mine.rows[Site]])
    staff["manager2"] = make.member(operator=other, role="manager")
    people = {"driver": driver, "stranger": make.user(), **staff}
    for person in people.values():
        Authenticator.objects.create(user=person, type="totp", data={"secret": "not needed here"})
    # The driver's second factor, under the address of another kind of it.
    mine.ids["passkey"] = Authenticator.objects.get(user=driver).pk
    mine.rows |= {Membership: staff["manager"].memberships.get(), User: driver}
    guest = Guest.objects.get(user=User.objects.create_guest())
    mine.rows |= {Guest: guest}
    mine.ids["guest"] = guests.token(guest)
    for number, place in enumerate((mine, away)):
        mailed = ScheduledReport.objects.create(
            membership=staff["manager"].memberships.get(), site=place.rows[Site], token=f"stop-{number}"
        )
        place.ids |= {"schedule": mailed.pk, "stop": mailed.token}
    world = World(mine, away, {"anonymous": Client()})
    for role, person in people.items():
        world.clients[role] = Client()
        world.clients[role].force_login(person, "django.contrib.auth.backends.ModelBackend")
    for role, where, rights in (
        ("key", operator, "manager"),
        ("key_accountant", operator, "accountant"),
        ("key2", other, "manager"),
    ):
        key, row = ApiKey.issue(
            operator=where, role=rights, name=f"{MINE if where == operator else THEIRS} {role}"
        )
        world.clients[role] = Client(headers={"authorization": f"Bearer {key}"})
        mine.rows.setdefault(ApiKey, row)
    return world


def furnish(operator: Operator, driver: User, mark: str) -> Place:
    now, n = timezone.now(), make.number()
    soon = {"starts_at": now + timedelta(hours=1), "ends_at": now + timedelta(hours=2)}
    money = {"currency": "EUR", "net": Decimal("4.12"), "tax": Decimal("0.78"), "gross": Decimal("4.90")}

    site = make.site(operator=operator)
    station = make.station(site=site, identity=f"{mark}-CP-{n}", serial_number=f"{mark}{n}")
    evse = make.evse(station=station)
    token = make.id_token(operator=operator, token=f"{mark}{n}", user=driver)
    session = make.session(
        evse=evse, user=driver, id_token=token, token=token.token, minutes=30, energy_wh=9800
    )
    running = make.session(evse=evse, user=driver, id_token=token, token=token.token, started_at=now)
    reservation = Reservation.objects.create(evse=evse, id_token=token, user=driver, **soon)
    booking = Booking.objects.create(
        evse=evse,
        user=driver,
        id_token=token,
        reservation=reservation,
        status="RESERVED",
        **soon,
        closed_reason="",
    )
    weeks = BookingSeries.objects.create(user=driver, evse=evse)
    Booking.objects.filter(pk=booking.pk).update(series=weeks)
    weekly = {"rule": "FREQ=WEEKLY", "first_on": now.date(), "begins": now.time()}
    maintenance = MaintenanceRule.objects.create(site=site, evse=evse, reason=f"{mark} cleaning", **weekly)
    later = {name: at + timedelta(hours=3) for name, at in soon.items()}
    closure = Closure.objects.create(evse=evse, reason=f"{mark} works", **later)
    claim = Claim.objects.create(evse=evse, closure=closure, period=(later["starts_at"], later["ends_at"]))
    Claim.objects.create(evse=evse, booking=booking, period=(soon["starts_at"], soon["ends_at"]))
    place = WaitlistPlace.objects.create(
        site=site,
        user=driver,
        starts_after=later["starts_at"],
        ends_before=later["ends_at"],
        minutes=30,
        queued_at=now,
        closed_reason=mark,
    )
    offered = Booking.objects.create(
        evse=evse,
        user=driver,
        starts_at=now + timedelta(days=3),
        ends_at=now + timedelta(days=3, hours=1),
        hold_expires_at=now,
    )
    offer = Offer.objects.create(
        place=place, booking=offered, state="expired", made_at=now, expires_at=now + timedelta(minutes=5)
    )
    Booking.objects.filter(pk=booking.pk).update(confirmed_at=now)
    channel = Channel(user=driver, kind="ntfy", shown=f"{mark} channel")
    channel.address = {"server": "https://ntfy.sh", "topic": mark, "token": ""}
    channel.save()
    channel_message = ChannelMessage.objects.create(
        key=f"{mark} {n}", channel=channel, title=mark, next_at=now
    )
    wanted = Wish.objects.create(user=driver, topic=mark, channel=channel, wanted=True)
    calendar = feeds.issue(user=driver)
    site_calendar = feeds.issue(
        user=make.member(operator=operator, role="technician", sites=[site]), site=site
    )
    command = Command.objects.create(
        station=station, action="DataTransfer", payload={"vendorId": mark}, status="answered", expires_at=now
    )
    bulk = BulkCommand.objects.create(
        operator=operator, what=f"{mark} order", calls={}, stations=[station.pk], told=1, told_at=now
    )
    Command.objects.filter(pk=command.pk).update(bulk=bulk)
    plan = AvailabilityPlan.objects.create(
        station=station, evse=evse, starts_at=now + timedelta(days=2), reason=f"{mark} repairs"
    )
    message = Message.objects.create(
        at=now,
        id=uuid.uuid4(),
        station=station,
        connection=uuid.uuid4(),
        from_station=True,
        kind="call",
        message_id="1",
        action="DataTransfer",
        version="1.6",
        frame=f'[2,"1","DataTransfer",{{"vendorId":"{mark}"}}]',
    )
    Reading.objects.create(
        evse=evse,
        session=session,
        at=now,
        received_at=now,
        measurand="Power.Active.Import",
        phase="",
        location="Outlet",
        context="Sample.Periodic",
        value=11000,
        unit="W",
    )
    orphan = Orphan.objects.create(
        station=station,
        kind="stop",
        transaction_id=mark,
        problem=f"{mark}: no such transaction",
        payload={"transactionId": -1, "idTag": mark},
        first_received_at=now,
        received_at=now,
    )
    signed = SignedValue.objects.create(
        evse=evse,
        session=session,
        at=now,
        received_at=now,
        context="Transaction.End",
        data=f"OCMF|{n}|",
        method=mark,
    )
    meter_key = MeterKey.objects.create(evse=evse, key=f"{n}", fingerprint=f"{n}", note=mark)
    signed_check = SignedCheck.objects.create(
        session=session, verdict="unknown_key", reason="no_key", detail=mark, checked_at=now
    )
    quirk = Quirk.objects.create(operator=operator, vendor=mark, energy_unit="kWh")
    profile = ChargingProfile.objects.create(operator=operator, description=f"{mark} {n}", profile={})
    setting = Setting.objects.create(station=station, path="CpoName", variable="CpoName", value=mark)
    run = ConfigurationRun.objects.create(
        station=station, kind="write", status="done", bulk=uuid.uuid4(), problem=mark
    )
    template = ConfigurationTemplate.objects.create(
        operator=operator, name=f"{mark} {n}", vendor=mark, values={"CpoName": mark}
    )
    authority = local.root_of("csms")
    certificate = Certificate.objects.create(
        station=station,
        use="ChargingStationCertificate",
        status="installed",
        csr="-",
        common_name=f"{mark}{n}",
        chain=authority.certificate,
        serial_number=f"{n:x}",
        fingerprint=f"{n:064x}",
        not_before=now - timedelta(days=1),
        not_after=now + timedelta(days=300),
    )
    managed = LoadSite.objects.create(site=site)
    connection = LoadGroup.objects.create(
        load_site=managed, name=f"{mark} connection", limit_l1=63, limit_l2=63, limit_l3=63
    )
    load_member = LoadMember.objects.create(evse=evse, group=connection)
    installed_profile = InstalledProfile.objects.create(
        station=station,
        evse=evse,
        profile_id=n,
        purpose="TxDefaultProfile",
        kind="Absolute",
        state="rejected",
        reason=mark,
    )
    installed = InstalledCertificate.objects.create(
        station=station,
        kind="CSMSRootCertificate",
        hash_algorithm="SHA256",
        issuer_name_hash="ab",
        issuer_key_hash="cd",
        serial_number=f"{n:x}",
        seen_at=now,
    )
    event = Event.objects.create(
        station=station, kind="monitor", code=mark, at=now, received_at=now, text=mark, severity=4
    )
    monitor = Monitor.objects.create(
        station=station, component=mark, variable="Temperature", type="UpperThreshold", value=75
    )
    default = DefaultMonitor.objects.create(
        operator=operator, component=f"{mark}{n}", variable="Temperature", type="Delta", value=1
    )
    der = DerControl.objects.create(
        station=station, control_id=f"{mark}{n}", control_type="VoltVar", updated_at=now
    )
    root = RootCertificate.objects.create(
        operator=operator,
        kind="MORootCertificate",
        name=f"{mark} root",
        certificate=authority.certificate,
        subject=f"CN={mark}",
        fingerprint=f"{n}",
        not_after=now + timedelta(days=300),
    )
    tariff = Tariff.objects.create(operator=operator, name=f"{mark} {n}")
    version = TariffVersion.objects.create(tariff=tariff, number=1, valid_from=make.NOON, ocpi=OCPI)
    assignment = TariffAssignment.objects.create(tariff=tariff, site=site)
    draft = TariffDraft.objects.create(tariff=tariff, ocpi=OCPI)
    tariff_rules, _new = TariffRules.objects.get_or_create(operator=operator)
    price_group = PriceGroup.objects.create(operator=operator, key=f"group-{n}", name=f"{mark} drivers")
    price_group_member = PriceGroupMember.objects.create(group=price_group, user=driver)
    holidays = HolidayCalendar.objects.create(operator=operator, name=f"{mark} days {n}", days=["2026-12-25"])
    quote = Quote.objects.create(
        evse=evse, version=version, user=driver, lines=[], energy_wh=1000, hold_amount=20, **soon, **money
    )
    customer, _new = Customer.objects.get_or_create(user=driver, defaults={"stripe_id": f"cus_{n}"})
    card = Card.objects.create(
        customer=customer, stripe_id=f"pm_{n}", brand="visa", last4="4242", exp_month=1, exp_year=2040
    )
    payment = Payment.objects.create(
        operator=operator,
        user=driver,
        session=session,
        quote=quote,
        card=card,
        state="captured",
        currency="EUR",
        amount=20,
        amount_captured=Decimal("4.90"),
        error_message=mark,
    )
    increment = HoldIncrement.objects.create(
        payment=payment, before=10, amount=20, state="refused", error_code=mark
    )
    hold_rules = HoldRules.objects.create(site=site)
    fee = FeeDebt.objects.create(
        booking=booking, operator=operator, user=driver, currency="EUR", amount=5, reason=mark
    )
    refund = Refund.objects.create(payment=payment, amount=1, reason=mark, state="done")
    start = Start.objects.create(
        user=driver, evse=evse, session=None, state="failed", problem=mark, expires_at=now
    )
    cdr = Cdr.objects.create(session=session, version=version, state="settled", **money)
    doubtful = make.session(evse=evse, user=driver, token=token.token, minutes=5, review=mark)
    doubt = Cdr.objects.create(session=doubtful, version=version, state="review", review=mark, **money)
    series = Series.objects.create(operator=operator, prefix=f"{n}-")
    invoice = Invoice.objects.create(
        operator=operator,
        site=site,
        series=series,
        sequence=1,
        number=f"{n}-1",
        cdr=cdr,
        user=driver,
        issued_at=now,
        supplied_on=now.date(),
        booked_on=now.date(),
        vat_country="DE",
        seller={"name": operator.name},
        buyer={"name": f"{mark} Driver", "email": driver.email},
        **money,
    )
    InvoiceLine.objects.create(
        invoice=invoice,
        position=1,
        kind="ENERGY",
        text="Energy",
        quantity=Decimal("9.8"),
        unit="kWh",
        unit_price=Decimal("0.42"),
        vat_percent=19,
        net=money["net"],
        tax=money["tax"],
        gross=money["gross"],
    )
    Cdr.objects.filter(pk=cdr.pk).update(billed_on=invoice)
    trail = DocumentEvent.objects.create(invoice=invoice, kind="resent", at=now, detail=mark)
    # The month before last, so that today's documents can be issued.
    closed, _new = ClosedMonth.objects.get_or_create(
        operator=operator,
        month=(now.replace(day=1) - timedelta(days=40)).date().replace(day=1),
        reopened_at=None,
        defaults={"closed_at": now},
    )
    # What is on sale, everybody sees.
    no_sale = Plan.objects.create(
        operator=operator, key=f"gold-{n}", name=f"{mark} gold", text=mark, on_sale_until=now
    )
    terms = PlanVersion.objects.create(
        plan=no_sale, number=1, currency="EUR", fee=9, vat_percent=19, included_kwh=20
    )
    # A driver has one that runs at each operator.
    runs = not Subscription.objects.running().filter(operator=operator, user=driver).exists()
    subscription = Subscription.objects.create(
        operator=operator,
        user=driver,
        plan=no_sale,
        version=terms,
        state="active" if runs else "ended",
        started_at=now,
        period_start=now,
        period_end=now + timedelta(days=30),
        ended_at=None if runs else now,
    )
    host = Host.objects.create(operator=operator, name=f"{mark} host {n}", email="host@example.com")
    share = HostShare.objects.create(host=host, site=site, valid_from="2020-01-01", percent=10)
    books, _new = Books.objects.get_or_create(operator=operator, defaults={"iban": "DE02120300000000202051"})
    export = Export.objects.create(
        operator=operator,
        kind="invoices",
        format="csv",
        params={"q": mark},
        state="done",
        name=f"{mark}.csv",
        problems=[mark],
        expires_at=now + timedelta(days=1),
    )
    export.file.save("export", ContentFile(mark.encode()))
    fleet = Account.objects.create(operator=operator, name=f"{mark} fleet", kind="business")
    AccountDriver.objects.get_or_create(
        user=make.user(email=f"{mark.lower()}-fleet{n}@example.com"), account=fleet
    )
    registration, _new = VatRegistration.objects.get_or_create(
        operator=operator, country="AT", defaults={"vat_id": f"ATU{mark}"}
    )
    alert = Alert.objects.create(
        site=site,
        station=station,
        kind="offline",
        cause=f"test:{n}",
        severity="critical",
        title=f"{mark} is offline",
        opened_at=now,
        last_seen_at=now,
    )
    job = WorkOrder.objects.create(
        site=site, station=station, title=f"{mark} job", created_at=now, alert=None
    )
    photo = Photo(order=job, at=now, kind="jpg", size=len(mark))
    photo.file.save("photo", ContentFile(mark.encode()))
    team = Team.objects.create(operator=operator, name=f"{mark} {n}")
    team_channel = TeamChannel(team=team, kind="email", shown=f"{mark}@example.com")
    team_channel.address = {"email": f"{mark}@example.com"}
    team_channel.save()
    policy = Policy.objects.create(operator=operator, name=f"{mark} {n}", is_active=False)
    delivery = Delivery.objects.create(
        operator=operator,
        key=f"{mark} {n}",
        alert=alert,
        channel=team_channel,
        created_at=now,
        next_at=now + timedelta(days=1),
    )
    outage = Outage.objects.create(evse=evse, begins_at=now, cause="faulted", note=mark)
    vehicle = Vehicle.objects.create(user=driver, name=f"{mark} car")
    pending = PendingStation.objects.create(identity=f"unknown-{n}", first_seen_at=now, last_seen_at=now)
    mail = Mail.objects.create(key=f"{mark} {n}", to=driver.email, subject=mark, text=mark)
    sent = SentMail.objects.create(to=driver.email, sender="x", subject=mark, text=mark)
    rules = SiteRules.objects.create(site=site)
    local_list = LocalList.objects.create(station=station, error=mark)
    display_message = DisplayMessage.objects.create(
        station=station, number=n, texts=[{"content": mark, "format": "UTF8", "language": "en"}]
    )
    settlement = Settlement.objects.create(
        station=station,
        session=session,
        psp_ref=f"{mark} {n}",
        status="Settled",
        amount=Decimal("4.90"),
        settled_at=now,
        received_at=now,
    )
    token_rules, _new = TokenRules.objects.get_or_create(operator=operator)
    rule, _new = Rule.objects.get_or_create(operator=operator, kind="offline")
    image = make.firmware_image(operator=operator, version=f"{mark}{n}", content=mark.encode())
    day = now + timedelta(days=1)
    times = {"state_at": now, "expires_at": day}
    update = FirmwareUpdate.objects.create(
        station=station, image=image, state="failed", problem=mark, retrieve_at=now, **times
    )
    publication = Publication.objects.create(station=station, image=image, state="published", state_at=now)
    campaign = Campaign.objects.create(operator=operator, image=image, name=f"{mark} {n}", starts_at=day)
    CampaignStation.objects.create(campaign=campaign, station=station, update=update)
    log = LogRequest.objects.create(station=station, state="uploaded", size=len(mark), **times)
    log.file.save("log", ContentFile(mark.encode()))
    inquiry = CustomerInquiry.objects.create(
        station=station, hint=mark, report=True, state="answered", state_at=now
    )
    CustomerInformationPart.objects.create(inquiry=inquiry, seq_no=0, is_last=True, data=mark)
    fetch = tickets.for_firmware(image=image, station=station, expires_at=day)
    leave = tickets.for_upload(request=log, expires_at=day)
    posting.book(booking=posting.of_document(invoice))
    journal = Journal.objects.get(key=f"document {invoice.pk}")
    account = journal.entries.first().account
    top_up = TopUp.objects.create(operator=operator, user=driver, amount=5, currency="EUR")
    actions.take_top_up(row=top_up, page=PayPage("cs", "", "complete", True, Decimal(5), "EUR", f"pi_{mark}"))
    wallet = LedgerAccount.objects.get(user=driver, operator=operator)
    dispute = Dispute.objects.create(
        operator=operator, payment=payment, stripe_id=f"du_{n}", stripe_charge=f"ch_{mark}", currency="EUR",
        amount=4, reason=mark, status="needs_response", opened_at=now, due_at=day,
    )  # fmt: skip
    payout = Payout.objects.create(
        stripe_id=f"po_{mark}_{n}", currency="EUR", amount=4, status="paid", opened_at=now, arrives_at=now
    )
    movement = BalanceTransaction.objects.create(
        stripe_id=f"txn_{mark}_{n}", operator=operator, type="charge", category="charge", currency="EUR",
        amount=4, fee=0, net=4, at=now, available_on=now, source=f"ch_{mark}", payment=payment, payout=payout,
    )  # fmt: skip
    compared, _new = Reconciliation.objects.get_or_create(
        operator=operator,
        day=now.date(),
        currency="EUR",
        defaults={"ran_at": now, "compared": 1, "theirs": 4, "ours": 0, "differing": 4, "differences": 1},
    )
    difference = Difference.objects.create(
        operator=operator, day=now.date(), kind="missing_here", what="charge", object_id=f"pi_{mark}_{n}",
        currency="EUR", amount=4, ours="nothing", theirs=mark, advice=mark, found_at=now, seen_at=now,
    )  # fmt: skip
    change = Change.objects.create(
        at=now, operator=operator, model="stations.site", object_id=site.pk, name=f"{mark} site",
        action="changed", fields={"name": ["", mark]}, by=driver,
    )  # fmt: skip
    rows = [
        change, image, update, campaign, log,
        setting, run, template,
        maintenance,
        operator, site, station, evse, token, session, reservation, booking, closure, command, bulk, plan,
        claim, profile,
        draft, tariff_rules, price_group, holidays,
        tariff, version, assignment, quote, customer, card, payment, refund, cdr, invoice, alert, vehicle,
        trail, closed, host, share, books, export, fleet, registration,
        no_sale, subscription,
        journal, account, top_up, increment, hold_rules, fee,
        dispute, payout, movement, compared, difference,
        LoggedMessage.objects.get(id=message.id),
        pending, mail, sent, rules, rule, certificate, installed, root, authority, token_rules, settlement,
        installed_profile, event, monitor, default, der, managed, load_member,
        pending, mail, sent, rules, rule, orphan, signed, quirk, meter_key, signed_check,
        place, offer, channel, channel_message, wanted, outage, job, team, policy, delivery,
    ]  # fmt: skip
    ids = {
        "site": site.slug,
        "station": station.pk,
        "identity": station.identity,
        "evse": evse.pk,
        "meter_key": meter_key.pk,
        "rule": rule.pk,
        "job": job.pk,
        "photo": photo.pk,
        "team": team.pk,
        "team_channel": team_channel.pk,
        "policy": policy.pk,
        "delivery": delivery.pk,
        "public_id": evse.public_id,
        "token": token.pk,
        "session": session.pk,
        "running": running.link,
        "ended": session.link,
        "reservation": reservation.pk,
        "booking": booking.pk,
        "closure": closure.pk,
        "booking_series": weeks.pk,
        "place": place.pk,
        "channel": channel.pk,
        "calendar": calendar.token,
        "site_calendar": site_calendar.token,
        "site_id": site.pk,
        "command": command.pk,
        "bulk": bulk.pk,
        "plan": plan.pk,
        "message": message.id,
        "profile": profile.pk,
        "installed": installed_profile.pk,
        "event": event.pk,
        "monitor": monitor.pk,
        "run": run.pk,
        "runs": run.bulk,
        "template": template.pk,
        "certificate": certificate.pk,
        "root": root.pk,
        "local_list": local_list.pk,
        "display_message": display_message.pk,
        "settlement": settlement.pk,
        "tariff": tariff.pk,
        "assignment": assignment.pk,
        "price_group": price_group.pk,
        "price_group_member": price_group_member.pk,
        "holidays": holidays.pk,
        "quote": quote.pk,
        "payment": payment.pk,
        "invoice": invoice.pk,
        "doubt": doubt.pk,
        "closed": closed.pk,
        "host": host.pk,
        "no_sale": no_sale.pk,
        "subscription": subscription.pk,
        "export": export.pk,
        "alert": alert.pk,
        "outage": outage.pk,
        "card": card.pk,
        "top_up": top_up.pk,
        "dispute": dispute.pk,
        "payout": payout.pk,
        "difference": difference.pk,
        "reconciliation": compared.pk,
        "wallet": wallet.pk,
        "vehicle": vehicle.pk,
        "start": start.pk,
        "fee": fee.pk,
        "debt": debt_links.token(cdr),
        "orphan": orphan.pk,
        "pending": pending.pk,
        "image": image.pk,
        "update": update.pk,
        "publication": publication.pk,
        "campaign": campaign.pk,
        "log": log.pk,
        "inquiry": inquiry.pk,
        "fetch": urlsplit(fetch).path,
        "leave": urlsplit(leave).path,
    }
    return Place(operator, ids, {type(row): row for row in rows})


# Addresses


def every_route() -> set[tuple[str, str]]:
    """(route, method) of everything the resolver knows; method is empty where a view decides by itself."""
    found = set()

    def walk(patterns, prefix):
        for pattern in patterns:
            part = str(pattern.pattern)
            route = prefix + (part.removeprefix("^") if prefix else part)
            if not isinstance(pattern, URLPattern):
                walk(pattern.url_patterns, route)
                continue
            actions = getattr(pattern.callback, "actions", None)
            methods = set(actions) & set(pattern.callback.cls.http_method_names) if actions else {""}
            found.update((route, method) for method in methods - {"head"})

    walk(get_resolver().url_patterns, "")
    return found


def route_of(url: str, method: str) -> tuple[str, str]:
    match = resolve(re.sub(r"\?.*", "", url))
    return match.route, method if getattr(match.func, "actions", None) else ""


# Outcomes

GIVEN, DENIED, ASKED_TO_SIGN_IN, BROKEN = "given", "denied", "asked to sign in", "broken"


def outcome(response) -> str:
    if response.status_code == 401:
        return ASKED_TO_SIGN_IN
    if response.status_code in (403, 404):
        return DENIED
    if response.status_code in (405, 500):
        return BROKEN
    if response.status_code in (301, 302):
        target = response["Location"]
        if target.startswith(("/accounts/login/", "/admin/login/", "/accounts/reauthenticate/")):
            return ASKED_TO_SIGN_IN
        if target.startswith("/accounts/2fa/") and "required" in target:
            return DENIED
    return GIVEN


def body(response) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode("utf-8", "replace")


class undone(transaction.Atomic):
    """What happens within is undone; and it doesn't count as an outer transaction of the code under test."""

    def __init__(self):
        super().__init__(using=None, savepoint=True, durable=False)
        self._from_testcase = True

    def __exit__(self, *error):
        transaction.set_rollback(True)
        super().__exit__(*error)

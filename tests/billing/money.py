"""Tariffs, cards and charges for the tests of billing."""

from datetime import timedelta
from decimal import Decimal

from billing import actions, gateway
from billing.actions.cards import customer_of
from billing.models import Card, Tariff, TariffAssignment, TariffVersion
from stations import sessions
from stations.models import Reading, Session
from tests import make

ENERGY = {"type": "ENERGY", "price": 0.49, "vat": 19, "step_size": 1}
PARKING = {"type": "PARKING_TIME", "price": 6.0, "vat": 19, "step_size": 60}
FREE = {"type": "ENERGY", "price": 0, "vat": 19, "step_size": 1}


def tariff(
    *, site=None, evse=None, components=(ENERGY,), valid_from=None, currency="EUR", **ocpi
) -> TariffVersion:
    """A tariff in force at the site (or one EVSE), prices with tax."""
    site = site or evse.station.site
    row = Tariff.objects.create(operator=site.operator, name=f"Tariff {make.number()}")
    TariffAssignment.objects.create(tariff=row, site=site, evse=evse)
    return version(row, components=components, valid_from=valid_from, currency=currency, **ocpi)


def version(row, *, components=(ENERGY,), valid_from=None, currency="EUR", **ocpi) -> TariffVersion:
    return TariffVersion.objects.create(
        tariff=row,
        number=row.versions.count() + 1,
        valid_from=valid_from or make.NOON - timedelta(days=365),
        ocpi={
            "id": f"T{row.pk}",
            "currency": currency,
            "tax_included": "YES",
            "elements": [{"price_components": list(components)}],
            **ocpi,
        },
    )


def place(*, components=(ENERGY,), **fields):
    """An EVSE that is online and free, with a tariff."""
    evse = make.evse(max_power_w=22_000, state="available", **fields)
    tariff(evse=evse, components=components)
    online(evse)
    return evse


def online(evse) -> None:
    from uuid import uuid4

    evse.station.connection = uuid4()
    evse.station.node = "tests"
    evse.station.ocpp_version = "1.6"
    evse.station.save()


def card(user, name: str = "pm_card_visa") -> Card:
    """A card saved at the provider, as its own page would have done."""
    customer = customer_of(user)
    method = gateway.client().payment_methods.attach(name, {"customer": customer.stripe_id})
    return Card.objects.create(
        customer=customer,
        stripe_id=method.id,
        brand=method.card.brand,
        last4=method.card.last4,
        exp_month=method.card.exp_month,
        exp_year=method.card.exp_year,
        is_default=not customer.cards.filter(is_default=True).exists(),
    )


def begin(evse, user=None, *, at=make.NOON, token: str = "") -> Session:
    """The charger reports a start, by the driver's app token."""
    from stations import commands

    if user is not None and not token:
        token = commands.app_token(user, evse.station.site.operator).token
    session, _decision = sessions.start(
        station=evse.station,
        report=sessions.Start(
            evse_number=evse.number,
            connector_number=1,
            token=token,
            started_at=at,
            received_at=at,
            meter_start_wh=Decimal(1000),
        ),
    )
    return session


def end(session: Session, *, minutes: int = 30, energy_wh: int = 10_000) -> Session:
    at = session.started_at + timedelta(minutes=minutes)
    return sessions.stop(
        station=session.station,
        transaction_id=session.transaction_id,
        stopped_at=at,
        received_at=at,
        meter_stop_wh=Decimal(1000 + energy_wh),
        reason="Local",
    )


def reading(
    session: Session, *, minutes: float, wh: int, measurand: str = "Energy.Active.Import.Register"
) -> None:
    at = session.started_at + timedelta(minutes=minutes)
    Reading.objects.create(
        evse=session.evse,
        session=session,
        at=at,
        received_at=at,
        measurand=measurand,
        phase="",
        location="Outlet",
        context="Sample.Periodic",
        value=wh,
        unit="Wh",
    )


def charged(*, user=None, evse=None, energy_wh: int = 10_000):
    """A whole charge, from the hold to the invoice: the settled Cdr."""
    user = user or make.user()
    evse = evse or place()
    if not Card.objects.of_driver(user).exists():
        card(user)
    actions.start_charging(user=user, evse=evse, card=Card.objects.of_driver(user).first())
    session = begin(evse, user)
    actions.open_cdr(session=session)
    session = end(session, energy_wh=energy_wh)
    return actions.bill(session=session)

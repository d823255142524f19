"""What came late changed an ended session: what its bill does."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing import actions
from billing.models import Cdr, Invoice
from stations import closing, sessions, signals
from tests import make
from tests.billing import money

pytestmark = pytest.mark.django_db


@pytest.fixture
def corrected():
    """The news as they were sent."""
    sent = []

    def keep(sender, **news):
        sent.append(news)

    signals.session_corrected.connect(keep)
    yield sent
    signals.session_corrected.disconnect(keep)


def estimated(*, last_wh: int, evse=None, user=None):
    """A paid charge whose stop never came: closed at its last reading."""
    user, evse = user or make.user(), evse or money.place()
    money.card(user)
    actions.start_charging(user=user, evse=evse, card=user.customer.cards.first())
    session = money.begin(evse, user)
    actions.open_cdr(session=session)
    money.reading(session, minutes=20, wh=1000 + last_wh)
    session.last_reading_at = session.started_at + timedelta(minutes=20)
    session.save()
    closing.close_estimated(session=session, now=session.started_at + timedelta(hours=2), reason="Other")
    session.refresh_from_db()
    return session


def late_stop(session, *, energy_wh: int, minutes: int = 20):
    return money.end(session, minutes=minutes, energy_wh=energy_wh)


def test_an_estimate_that_was_too_high_is_credited(provider, corrected, django_capture_on_commit_callbacks):
    session = estimated(last_wh=6000)
    cdr = actions.bill(session=session)
    assert (cdr.state, session.is_estimated) == (Cdr.State.SETTLED, True)
    billed = cdr.gross
    with django_capture_on_commit_callbacks(execute=True):
        session = late_stop(session, energy_wh=4000, minutes=15)
    assert [news["previous_energy_wh"] for news in corrected] == [Decimal(6000)]

    cdr = actions.correct(session=session, previous_energy_wh=Decimal(6000))
    note = Invoice.objects.get(kind=Invoice.Kind.CREDIT_NOTE)
    assert abs(note.gross) == billed - Decimal("0.49") * 4
    assert "4.000 kWh instead of 6.000 kWh" in cdr.review
    assert cdr.gross == billed, "what was issued stays"
    actions.correct(session=session, previous_energy_wh=Decimal(6000))
    assert Invoice.objects.filter(kind=Invoice.Kind.CREDIT_NOTE).count() == 1


def test_a_correction_that_contradicts_its_readings_moves_no_money(provider):
    session = estimated(last_wh=6000)
    cdr = actions.bill(session=session)
    session = late_stop(session, energy_wh=4000, minutes=21)
    assert session.review
    cdr = actions.correct(session=session, previous_energy_wh=Decimal(6000))
    assert session.review in cdr.review
    assert not Invoice.objects.filter(kind=Invoice.Kind.CREDIT_NOTE).exists()


def test_an_estimate_that_was_too_low_is_not_charged_again_but_shown(provider, client):
    evse = money.place()
    session = estimated(last_wh=4000, evse=evse)
    cdr = actions.bill(session=session)
    session = late_stop(session, energy_wh=6000)
    cdr = actions.correct(session=session, previous_energy_wh=Decimal(4000))
    assert cdr.state == Cdr.State.SETTLED
    assert f"instead of {cdr.gross:.2f}" in cdr.review
    assert Invoice.objects.count() == 1

    boss = make.member(operator=evse.station.site.operator, role="accountant")
    page = money_page(client, boss)
    assert "6.000 kWh instead of 4.000 kWh" in page
    client.post(f"/fin/review/{cdr.pk}/", {"decision": "seen"})
    assert "6.000 kWh" not in client.get("/fin/review/").content.decode()
    cdr.refresh_from_db()
    assert (cdr.reviewed_by, cdr.state) == (boss, Cdr.State.SETTLED)


def test_a_session_that_nobody_decided_on_is_priced_anew(provider):
    """Ended came before Started: held for review, until the start brings what was missing."""
    user, evse = make.user(), money.place()
    money.card(user)
    station, at = evse.station, make.NOON
    from stations import commands

    token = commands.app_token(user, station.site.operator).token
    assumed = sessions.Start(
        evse_number=1, connector_number=1, token="", started_at=at + timedelta(minutes=30),
        received_at=at, transaction_id="T", is_assumed=True,
    )  # fmt: skip
    session, _decision = sessions.start(station=station, report=assumed)
    sessions.stop(
        station=station, transaction_id="T", stopped_at=at + timedelta(minutes=30),
        received_at=at, meter_stop_wh=Decimal(8000),
    )  # fmt: skip
    cdr = actions.bill(session=sessions.find(station, "T"))
    assert (cdr.state, cdr.review) == (Cdr.State.REVIEW, "Its start was never reported.")

    real = sessions.Start(
        evse_number=1, connector_number=1, token=token, started_at=at, received_at=at,
        meter_start_wh=Decimal(1000), transaction_id="T", said=at.isoformat(),
    )  # fmt: skip
    session, _decision = sessions.start(station=station, report=real)
    assert (session.user, session.energy_wh, session.review) == (user, Decimal(7000), "")
    assert not session.is_open
    cdr = actions.correct(session=session, previous_energy_wh=Decimal(0))
    assert cdr.state == Cdr.State.SETTLED
    assert cdr.gross > 0


def money_page(client, person) -> str:
    from allauth.mfa.models import Authenticator

    Authenticator.objects.create(user=person, type="totp", data={"secret": "x"})
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client.get("/fin/review/").content.decode()

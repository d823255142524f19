"""Running sessions: stopped at their driver's limit, their holds raised or the charge ended in time."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing import actions, gateway, policy, sweeping
from billing.actions import limiting, posting, raising, watching
from billing.actions.limiting import LimitReached
from billing.exceptions import ProviderDown
from billing.limits import NONE, Limits
from billing.models import Cdr, ChargeLimit, HoldIncrement, HoldRules, Payment, SessionWatch
from stations.models import Command, Session
from tests import make
from tests.billing import money
from tests.billing.test_holds import age, crash
from tests.billing.test_ledger import commit

pytestmark = pytest.mark.django_db
STOPS = ("RemoteStopTransaction",)


def started(*, minutes: int = 60, wanted=NONE, card: str = "pm_card_visa", rules=None, evse=None):
    """A session that began so long ago, its hold placed: 25.00 at 0.49 a kWh and 22 kW."""
    user, evse = make.user(), evse or money.place()
    if rules:
        HoldRules.objects.create(site=evse.station.site, **rules)
    actions.start_charging(user=user, evse=evse, card=money.card(user, card), wanted=wanted)
    session = money.begin(evse, user, at=timezone.now() - timedelta(minutes=minutes))
    actions.open_cdr(session=session)
    return fresh(session)


def fresh(session: Session) -> Session:
    return Session.objects.with_place().select_related("cdr__version").get(pk=session.pk)


def metered(session: Session, *, ago: int, kwh: float) -> Session:
    """The meter has said so many kWh, so many seconds ago."""
    at = timezone.now() - timedelta(seconds=ago)
    minutes = (at - session.started_at).total_seconds() / 60
    money.reading(session, minutes=minutes, wh=int(1000 + kwh * 1000))
    return fresh(session)


def stops() -> int:
    return Command.objects.filter(action__in=STOPS).count()


def hold(session) -> Payment:
    return session.payments.get()


# The driver's limits


def test_a_limit_chosen_before_the_start_ends_the_session(provider):
    session = started(wanted=Limits(energy_wh=Decimal(10_000)))
    assert session.limit.energy_wh == 10_000
    # 10 kWh cost 4.90; with the margin, rounded up.
    assert hold(session).amount == Decimal("10")
    session = metered(session, ago=70, kwh=9)
    assert not watching.look(session=session)
    session = metered(session, ago=5, kwh=10)
    assert watching.look(session=session)
    assert Command.objects.get(action="RemoteStopTransaction").reason.endswith("limit reached: energy")
    cdr = actions.bill(session=money.end(session, minutes=60, energy_wh=10_050))
    assert cdr.state == Cdr.State.SETTLED


def test_it_ends_by_the_clock_between_two_meter_values(provider):
    session = started(wanted=Limits(energy_wh=Decimal(20_000)))
    session = metered(session, ago=90, kwh=19.0)
    session = metered(session, ago=30, kwh=19.3)
    now = timezone.now()
    # 0.3 kWh a minute: 0.7 kWh more take 140 seconds from the last value, 110 from now.
    assert not watching.look(session=session, now=now)
    row = SessionWatch.objects.get()
    assert row.kind == "energy"
    assert row.at - now < timedelta(seconds=120)
    sweeping.sweep(now + timedelta(seconds=60))
    assert stops() == 0
    sweeping.sweep(now + timedelta(seconds=121))
    assert stops() == 1


def test_a_stop_that_is_not_obeyed_is_asked_for_again(provider):
    session = metered(started(wanted=Limits(energy_wh=Decimal(10_000))), ago=5, kwh=10)
    now = timezone.now()
    assert watching.look(session=session, now=now)
    assert not watching.look(session=session, now=now + timedelta(seconds=5))
    sweeping.sweep(now + policy.STOP_AGAIN + timedelta(seconds=1))
    assert stops() == 2
    for minute in range(2, 20):
        sweeping.sweep(now + minute * (policy.STOP_AGAIN + timedelta(seconds=1)))
    assert stops() == policy.STOP_MOST_TRIES


def test_a_charger_that_was_away_is_stopped_when_it_is_back(provider):
    session = metered(started(wanted=Limits(energy_wh=Decimal(10_000))), ago=5, kwh=10)
    type(session.station).objects.filter(pk=session.station.pk).update(connection=None, node="")
    assert not watching.look(session=fresh(session))
    assert SessionWatch.objects.get().tries == 0
    money.online(session.evse)
    sweeping.sweep(timezone.now())
    assert stops() == 1


@pytest.mark.parametrize(
    ("wanted", "is_over"),
    [
        (Limits(minutes=60), True),
        (Limits(minutes=61), False),
        (Limits(money=Decimal("4.91")), True),
        (Limits(soc_percent=80), True),
        (Limits(soc_percent=81), False),
        (Limits(energy_wh=Decimal(10_001)), True),
    ],
)
def test_each_kind_of_limit(provider, wanted, is_over):
    session = started(wanted=wanted)
    Session.objects.filter(pk=session.pk).update(soc_percent=80)
    session = metered(session, ago=70, kwh=9.5)
    session = metered(session, ago=1, kwh=10)
    assert watching.look(session=session) is is_over


def test_the_hold_is_the_driver_s_own_amount(provider):
    session = started(wanted=Limits(money=Decimal("8.00")))
    assert hold(session).amount == Decimal("8.00")
    session = metered(session, ago=70, kwh=14)
    # 7.35 of 8.00, and 22 kW could take the rest before the meter speaks again.
    session = metered(session, ago=1, kwh=15)
    watching.look(session=session)
    row = SessionWatch.objects.get()
    assert row.kind == "money"
    # It is the driver's word: nothing is raised beyond it.
    assert not HoldIncrement.objects.exists()


def test_a_limit_is_changed_while_charging(provider):
    session = metered(started(wanted=Limits(energy_wh=Decimal(10_000))), ago=5, kwh=10)
    assert watching.look(session=session)
    limiting.change(session=session, wanted=Limits(energy_wh=Decimal(15_000)))
    row = SessionWatch.objects.get()
    assert row.asked_at is None and row.at > timezone.now()
    with pytest.raises(LimitReached):
        limiting.change(session=session, wanted=Limits(energy_wh=Decimal(9_000)))
    assert ChargeLimit.objects.get().energy_wh == 15_000
    limiting.change(session=session, wanted=Limits())
    assert not ChargeLimit.objects.get().limits


# The money


def test_the_hold_is_raised_before_it_is_used_up(provider):
    session = metered(started(), ago=70, kwh=47)
    session = metered(session, ago=1, kwh=48)
    assert not watching.look(session=session)
    payment = hold(session)
    assert payment.amount == Decimal("50")
    row = HoldIncrement.objects.get()
    assert (row.before, row.amount, row.state) == (Decimal("25"), Decimal("50"), "done")
    [intent] = provider.all("payment_intent", id=payment.stripe_intent)
    assert intent["amount_capturable"] == 5000
    # And the bill is taken from it as from one hold.
    cdr = actions.bill(session=money.end(session, minutes=200, energy_wh=60_000))
    assert (cdr.state, cdr.gross) == (Cdr.State.SETTLED, Decimal("29.40"))
    assert hold(session).amount_captured == Decimal("29.40")


def test_it_is_not_raised_beyond_the_site_s_most(provider):
    now = timezone.now()
    session = metered(started(minutes=200, rules={"most": Decimal(26)}), ago=960, kwh=47)
    session = metered(session, ago=900, kwh=48)
    assert not watching.look(session=session, now=now - timedelta(seconds=890))
    assert hold(session).amount == Decimal("26")
    session = metered(session, ago=1, kwh=52.6)
    assert watching.look(session=session, now=now + timedelta(seconds=60))
    assert hold(session).amount == Decimal("26")
    assert Command.objects.get(action="RemoteStopTransaction").reason.endswith("hold reached")


def test_a_site_that_wants_no_raise_stops(provider):
    session = metered(started(rules={"when_used_up": "stop"}), ago=70, kwh=50)
    session = metered(session, ago=1, kwh=50.9)
    assert watching.look(session=session)
    assert not HoldIncrement.objects.exists()
    [intent] = provider.all("payment_intent", id=hold(session).stripe_intent)
    assert "request_incremental_authorization" not in intent["payment_method_options"]["card"]


@pytest.mark.parametrize(
    ("card", "asked"),
    # No incremental authorisation for it; the bank declines the raise.
    [("pm_card_amex", 0), ("pm_card_visa_raiseDeclined", 1)],
)
def test_a_hold_that_can_not_be_raised_ends_the_session_in_time(provider, card, asked):
    session = metered(started(card=card), ago=70, kwh=50)
    session = metered(session, ago=1, kwh=50.9)
    assert watching.look(session=session)
    assert watching.look(session=session, now=timezone.now() + timedelta(minutes=2))
    assert HoldIncrement.objects.filter(state="refused").count() == asked
    assert hold(session).amount == Decimal("25")
    cdr = actions.bill(session=money.end(session, minutes=100, energy_wh=51_000))
    assert (cdr.state, cdr.gross) == (Cdr.State.SETTLED, Decimal("24.99"))


def test_it_never_costs_more_than_is_secured_by_the_time_it_stops(provider):
    """Two minutes before the money is out at full power: looked at again by the clock, and stopped."""
    session = metered(started(rules={"when_used_up": "stop"}), ago=60, kwh=49.3)
    session = metered(session, ago=0, kwh=49.6)
    now = timezone.now()
    assert not watching.look(session=session, now=now)
    at = SessionWatch.objects.get().at
    # 1.4 kWh are left, at 22 kW: 230 seconds, less what a stop takes.
    assert timedelta(seconds=190) < at - now < timedelta(seconds=205)
    sweeping.sweep(at + timedelta(seconds=1))
    assert stops() == 1


def test_a_wallet_s_hold_is_raised_from_the_balance(provider):
    user, evse = make.user(), money.place()
    operator = evse.station.site.operator
    fill(user, operator, "40")
    actions.start_charging(user=user, evse=evse, card=None, from_wallet=True)
    session = money.begin(evse, user, at=timezone.now() - timedelta(minutes=60))
    actions.open_cdr(session=session)
    session = metered(fresh(session), ago=70, kwh=47)
    session = metered(session, ago=1, kwh=48)
    watching.look(session=session)
    assert hold(session).amount == Decimal("40")
    assert posting.wallet_balance(user=user, operator=operator, currency="EUR") == 0
    cdr = actions.bill(session=money.end(session, minutes=200, energy_wh=60_000))
    assert cdr.state == Cdr.State.SETTLED
    assert posting.wallet_balance(user=user, operator=operator, currency="EUR") == Decimal("10.60")
    commit()


def fill(user, operator, amount):
    from billing import ledger
    from billing.models import Journal

    posting.book(
        booking=posting.Booking(
            key=f"top-up {make.number()}",
            kind=Journal.Kind.TOP_UP,
            operator_id=operator.pk,
            currency="EUR",
            at=timezone.now(),
            lines=ledger.lines_of(Journal.Kind.TOP_UP, Decimal(amount)),
            reference="test",
            user_id=user.pk,
        )
    )


# Crashes: between any two steps of a raise


def test_a_crash_before_the_bank_was_asked_for_more(provider, monkeypatch):
    session = started()
    with monkeypatch.context() as patch:
        patch.setattr(gateway, "raise_hold", crash)
        with pytest.raises(ZeroDivisionError):
            raising.raise_hold(payment=hold(session), amount=Decimal("50"))
    _finished(provider, session)


def test_a_crash_after_the_bank_has_raised_it(provider, monkeypatch):
    session = started()
    real = gateway.raise_hold

    def ask(*args, **fields):
        real(*args, **fields)
        crash()

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "raise_hold", ask)
        with pytest.raises(ZeroDivisionError):
            raising.raise_hold(payment=hold(session), amount=Decimal("50"))
    _finished(provider, session)


def test_a_lost_answer_to_a_raise(provider):
    session = started()
    for _attempt in range(gateway.RETRIES + 1):
        provider.fail_next("/increment_authorization", after=True)
    with pytest.raises(ProviderDown):
        raising.raise_hold(payment=hold(session), amount=Decimal("50"))
    provider.app.api.faults.clear()
    _finished(provider, session)


def _finished(provider, session):
    row = HoldIncrement.objects.get()
    assert row.state == "new" and hold(session).amount == Decimal("25")
    age(row)
    sweeping.sweep(timezone.now())
    row.refresh_from_db()
    assert row.state == "done"
    payment = hold(session)
    assert payment.amount == Decimal("50")
    [intent] = provider.all("payment_intent", id=payment.stripe_intent)
    assert intent["amount"] == 5000


def test_a_session_that_ends_during_a_raise_is_charged_once_and_whole(provider, monkeypatch):
    session = started()
    real = gateway.raise_hold

    def ask(*args, **fields):
        real(*args, **fields)
        crash()

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "raise_hold", ask)
        with pytest.raises(ZeroDivisionError):
            raising.raise_hold(payment=hold(session), amount=Decimal("50"))
    cdr = actions.bill(session=money.end(session, minutes=200, energy_wh=60_000))
    assert (cdr.state, hold(session).amount_captured) == (Cdr.State.SETTLED, Decimal("29.40"))

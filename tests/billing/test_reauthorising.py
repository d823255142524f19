"""A session that outlives its hold: one hold at a time, one bill; and crashes between any two steps."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.utils import timezone

from billing import actions, gateway, policy, sweeping
from billing.actions import holds, reauthorising, watching
from billing.exceptions import PaymentRefused
from billing.models import Cdr, Payment
from stations.models import Command, Session
from tests.billing import money
from tests.billing.test_holds import age, crash
from tests.billing.test_watching import fresh, metered, started

pytestmark = pytest.mark.django_db
State = Payment.State


def nearly_over(session: Session) -> Payment:
    """The bank lets go of it in an hour."""
    soon = timezone.now() + timedelta(hours=1)
    session.payments.update(capture_before=soon)
    return session.payments.get()


def states(session: Session) -> list[str]:
    return [row.state for row in session.payments.order_by("created_at")]


def standing(provider) -> int:
    return len(provider.all("payment_intent", status="requires_capture"))


def test_a_hold_is_placed_anew_before_the_bank_lets_go_of_it(provider):
    session = started()
    before = standing(provider)
    old = nearly_over(session)
    sweeping.sweep(timezone.now())
    assert states(session) == ["released", "held"]
    new = session.payments.get(state=State.HELD)
    assert (new.replaces, new.amount) == (old, Decimal("25"))
    assert new.capture_before > timezone.now() + timedelta(days=4)
    assert standing(provider) == before
    cdr = actions.bill(session=money.end(session))
    assert cdr.state == Cdr.State.SETTLED
    assert states(session) == ["released", "captured"]


def test_one_that_lasts_is_left_alone(provider):
    session = started()
    sweeping.sweep(timezone.now())
    assert states(session) == ["held"]


def test_refused_the_charge_ends_while_the_old_hold_is_good(provider, monkeypatch):
    session = metered(started(), ago=1, kwh=1)
    old = nearly_over(session)
    # The card wants its driver, who is away.
    old.card.stripe_id = money.card(session.user, "pm_card_authenticationRequired").stripe_id
    type(old.card).objects.exclude(pk=old.card_id).delete()
    old.card.save()
    sweeping.sweep(timezone.now())
    assert states(session) == ["held"]
    assert Payment.objects.get(replaces=old).error_code == "authentication_required"
    # Not asked again at once.
    sweeping.sweep(timezone.now())
    assert Payment.objects.filter(replaces=old).count() == 1
    assert not watching.look(session=fresh(session))
    assert watching.look(session=fresh(session), now=old.capture_before - policy.EXPIRY_MARGIN)
    assert Command.objects.get(action="RemoteStopTransaction").reason.endswith("the hold expires")
    cdr = actions.bill(session=money.end(session))
    assert cdr.state == Cdr.State.SETTLED


@pytest.mark.parametrize("step", ["open_hold", "confirm_hold", "release"])
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_at_any_step(provider, monkeypatch, step, after):
    session = started()
    before = standing(provider)
    old = nearly_over(session)
    real = getattr(gateway, step)

    def dies(*args, **fields):
        if after:
            real(*args, **fields)
        crash()

    with monkeypatch.context() as patch:
        patch.setattr(gateway, step, dies)
        with pytest.raises(ZeroDivisionError):
            reauthorising.replace(payment=old)
    _swept_to_one(provider, session, before)


def test_a_crash_between_the_new_hold_and_its_place(provider, monkeypatch):
    session = started()
    before = standing(provider)
    old = nearly_over(session)
    with monkeypatch.context() as patch:
        patch.setattr(reauthorising, "swap", crash)
        with pytest.raises(ZeroDivisionError):
            reauthorising.replace(payment=old)
    assert standing(provider) == before + 1
    _swept_to_one(provider, session, before)


def _swept_to_one(provider, session, before):
    for _round in range(4):
        age(*Payment.objects.exclude(state__in=["released", "failed"]))
        # So that what came to nothing is asked for again.
        tried = Payment.objects.filter(replaces__isnull=False, state__in=["failed", "released"])
        tried.update(created_at=timezone.now() - timedelta(hours=3))
        sweeping.sweep(timezone.now())
    assert states(session).count("held") == 1
    assert standing(provider) == before
    new = session.payments.get(state=State.HELD)
    assert new.replaces_id is not None
    cdr = actions.bill(session=money.end(session))
    assert cdr.state == Cdr.State.SETTLED
    assert session.payments.filter(state=State.CAPTURED).count() == 1
    assert standing(provider) == before - 1


def test_a_session_that_ends_meanwhile_is_billed_once(provider, monkeypatch):
    session = started()
    before = standing(provider)
    old = nearly_over(session)
    with monkeypatch.context() as patch:
        patch.setattr(reauthorising, "swap", crash)
        with pytest.raises(ZeroDivisionError):
            reauthorising.replace(payment=old)
    cdr = actions.bill(session=money.end(session))
    assert cdr.state == Cdr.State.SETTLED
    age(*Payment.objects.filter(state="held"))
    sweeping.sweep(timezone.now())
    new = Payment.objects.get(replaces=old)
    assert (new.state, new.session) == (State.RELEASED, None)
    assert Payment.objects.filter(state=State.CAPTURED).count() == 1
    assert standing(provider) == before - 1


def test_a_hold_that_the_bank_has_let_go_of_is_placed_anew_for_all_that_is_used(provider):
    session = metered(started(minutes=120), ago=1, kwh=30)
    old = nearly_over(session)
    holds._move(old, State.RELEASED)
    Payment.objects.update(created_at=timezone.now() - timedelta(days=7))
    sweeping.sweep(timezone.now())
    new = session.payments.get(state=State.HELD)
    # 14.70 are used already.
    assert new.amount == Decimal("39.70")


@pytest.mark.parametrize(("ahead", "is_due"), [(-1, True), (1, False)])
def test_a_hold_is_due_half_a_day_before_its_end(provider, ahead, is_due):
    session, now = started(), timezone.now()
    session.payments.update(capture_before=now + policy.REAUTHORISE_BEFORE + timedelta(seconds=ahead))
    assert reauthorising.due(now).exists() is is_due


@pytest.mark.parametrize(("ago", "is_due"), [(-1, False), (1, True)])
def test_a_bank_that_said_no_is_asked_again_two_hours_later(provider, ago, is_due):
    session, now = started(), timezone.now()
    old = nearly_over(session)
    refused = Payment.objects.create(
        operator=old.operator,
        user=old.user,
        quote=old.quote,
        amount=old.amount,
        currency=old.currency,
        replaces=old,
        state="failed",
    )
    asked_at = now - policy.REAUTHORISE_AGAIN - timedelta(seconds=ago)
    Payment.objects.filter(pk=refused.pk).update(created_at=asked_at)
    assert reauthorising.due(now).exists() is is_due


def test_a_hold_whose_session_is_over_is_not_placed_anew(provider):
    old = nearly_over(started())
    before = standing(provider)
    money.end(old.session)
    old = Payment.objects.get(pk=old.pk)
    assert not reauthorising.due(timezone.now()).exists()
    with pytest.raises(PaymentRefused):
        reauthorising.replace(payment=old)
    assert not Payment.objects.filter(replaces=old).exists()
    assert standing(provider) == before


def test_a_removed_card_gives_its_place_to_the_drivers_other_one(provider):
    session = started()
    old = nearly_over(session)
    other = money.card(session.user, "pm_card_mastercard")
    type(old.card).objects.filter(pk=old.card_id).update(removed_at=timezone.now(), is_default=False)
    new = reauthorising.replace(payment=Payment.objects.get(pk=old.pk))
    assert (new.card, new.state, new.session) == (other, State.HELD, session)
    old.refresh_from_db()
    assert old.state == State.RELEASED


@pytest.mark.parametrize(
    ("so_far", "amount"), [(None, "25"), ("12.50", "25"), ("12.51", "37.51"), ("40", "65")]
)
def test_what_has_to_be_secured_for_a_charge_that_runs(monkeypatch, so_far, amount):
    priced = None if so_far is None else SimpleNamespace(gross=Decimal(so_far))
    monkeypatch.setattr(reauthorising.prices, "running", lambda session: priced)
    assert reauthorising.amount_for(Session(), Decimal(25)) == Decimal(amount)

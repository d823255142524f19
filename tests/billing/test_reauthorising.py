"""A session that outlives its hold: one hold at a time, one bill; and crashes between any two steps."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from billing import actions, gateway, policy, sweeping
from billing.actions import holds, reauthorising, watching
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

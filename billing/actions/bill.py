"""From an ended session to its invoice: price once, take exactly that from the hold, issue the document."""

from __future__ import annotations

import logging
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils import timezone

from billing import invoicing, parties, plans, prices, pricing, unsecured, vat
from billing.actions import (
    allowances,
    charging,
    debt_pages,
    debts,
    holds,
    invoices,
    raising,
    refunds,
    subscriptions,
)
from billing.exceptions import PaymentRefused
from billing.lines import from_json, to_json
from billing.models import AllowanceUse, Card, Cdr, Payment, Quote, TariffVersion
from bookings.models import Booking
from evportal.accounts.models import User, Vehicle
from evportal.money import round_money
from stations import ingest, signed_checks
from stations.models import Session

log = logging.getLogger(__name__)
State = Cdr.State
outstanding = debts.outstanding

NO_TARIFF = "No tariff is assigned to this charger."
NO_TAX = "Its tariff says no rate of VAT for a part of it."
NOBODY = "Nobody is known to bill for this session."


def open_cdr(*, session: Session) -> Cdr:
    """The session's bill to be, with its tariff version frozen and its hold attached; made once."""
    known = Cdr.objects.filter(session=session).first()
    if known is not None:
        return known
    start = charging.match_start(session)
    booking = start.booking if start is not None else booked(session)
    quote = (start.quote if start is not None else None) or Quote.objects.filter(
        booking=booking or None
    ).first()
    if quote is not None and Cdr.objects.filter(quote=quote).exists():
        quote = None
    version = quote.version if quote is not None else prices.version_for(session.evse, session.started_at)
    try:
        with transaction.atomic():
            cdr = Cdr.objects.create(
                session=session,
                version=version,
                quote=quote,
                groups=quote.groups
                if quote is not None
                else list(prices.groups_of(session.user, session.evse, session.started_at)),
                currency=prices.tariff(version).currency
                if version
                else session.station.site.operator.currency,
                vehicle=_only_vehicle(session.user),
            )
    except IntegrityError:
        return Cdr.objects.get(session=session)
    payment = start.payment if start is not None else None
    if payment is None and session.user is not None:
        payment = charging.usable_hold(user=session.user, evse=session.evse, booking=booking)
    if payment is not None:
        holds.attach_hold(payment=payment, session=session)
    return cdr


def _only_vehicle(user: User | None) -> Vehicle | None:
    """Which car it was, where the driver has one; of several, only they know."""
    mine = list(user.vehicles.all()[:2]) if user is not None else []
    return mine[0] if len(mine) == 1 else None


def booked(session: Session) -> Booking | None:
    """The driver's own booking of this EVSE at the session's start."""
    if session.user_id is None:
        return None
    found = Booking.objects.filter(
        evse=session.evse_id,
        user=session.user_id,
        status__in=[Booking.Status.RESERVED, Booking.Status.FULFILLED],
        ends_at__gt=session.started_at,
    ).order_by("starts_at")
    return next(
        (
            one
            for one in found
            if session.started_at >= one.starts_at - timezone.timedelta(minutes=one.early_start_minutes)
        ),
        None,
    )


def bill(*, session: Session) -> Cdr:
    """Price an ended session and settle it; a second run changes nothing.

    What its charger was acknowledged for may still lie in the journal, so that is read first.

    What a charger said that can't be believed is priced too, so that a person sees the figure, but nothing is
    taken before that person has decided.
    """
    cdr = open_cdr(session=session)
    if session.is_open:
        return cdr
    session = _heard_out(session)
    if cdr.state == State.OPEN:
        _look_at_plan(cdr, session)
        _price(cdr, session)
        cdr.refresh_from_db()
    elif cdr.state in (State.SETTLED, State.UNPAID):
        _correct(cdr, session)
    if cdr.state == State.PRICED:
        settle(cdr=cdr)
    return cdr


def _heard_out(session: Session) -> Session:
    """All that its charger was acknowledged for is read, and what its meter signed is verified."""
    ingest.settle(session.station, session.stop_received_at or timezone.now())
    signed_checks.verify(session=session)
    return Session.objects.with_place().get(pk=session.pk)


def _look_at_plan(cdr: Cdr, session: Session) -> None:
    """A renewal that we have not heard of yet: its energy is the session's. Raises `ProviderDown`."""
    row = plans.unknown_period(session, cdr.groups)
    if row is not None:
        subscriptions.look(row=row)


@transaction.atomic
def _price(cdr: Cdr, session: Session) -> None:
    review, fields, wh = session.review, {}, Decimal(0)
    period, left = allowances.lock(session=session, groups=cdr.groups)
    try:
        fields, wh = _figures(cdr, session, left)
    except (pricing.UsageError, pricing.TariffError) as error:
        review = review or str(error)
    if cdr.version is None:
        review = review or NO_TARIFF
    elif fields and not _is_taxed(cdr.version, fields["lines"]):
        review = review or NO_TAX
    elif fields.get("gross") and session.user_id is None:
        review = review or NOBODY
    won = Cdr.objects.filter(pk=cdr.pk, state=State.OPEN).update(
        state=State.REVIEW if review else State.PRICED,
        review=review[:200],
        priced_at=timezone.now(),
        **fields,
    )
    if won and period is not None:
        allowances.use(session=session, period=period, wh=wh)


def _figures(cdr: Cdr, session: Session, left_wh: Decimal) -> tuple[dict, Decimal]:
    """The bill's figures, and how much of the plan's energy is in them."""
    if cdr.version is None:
        return {}, Decimal(0)
    covered = prices.covered(session, cdr.version, left_wh=left_wh)
    priced = covered.priced
    site = session.station.site
    account = parties.account_of(session.user, site.operator)
    how = parties.category(place=site.country, operator=site.operator, account=account)
    lines = vat.apply(priced.lines, how)
    net, tax, gross = invoicing.total(lines)
    fields = {"lines": to_json(lines), "net": net, "tax": tax, "gross": gross, "vat_category": how}
    return fields, covered.wh


def _is_taxed(version: TariffVersion, lines: list[dict]) -> bool:
    """A tariff without tax would make a wrong invoice; one that says that none applies would not."""
    if prices.tariff(version).tax_included is pricing.TaxIncluded.N_A:
        return True
    return all(line["vat"] is not None for line in lines)


def correct(*, session: Session, previous_energy_wh: Decimal) -> Cdr:
    """What came late changed an ended session; a second run changes nothing.

    A bill that nobody has decided on yet is priced anew. What was billed stays issued: too much is given back
    with a credit note, more is not taken, and either is put before finance with both figures.
    """
    cdr = open_cdr(session=session)
    Cdr.objects.filter(pk=cdr.pk, state=State.REVIEW, reviewed_at=None).update(
        state=State.OPEN,
        review="",
        version=cdr.version or prices.version_for(session.evse, session.started_at),
    )
    cdr.refresh_from_db()
    if cdr.state == State.OPEN:
        return bill(session=session)
    if cdr.state in (State.SETTLED, State.UNPAID) and not session.is_open:
        _correct(cdr, _heard_out(session), previous_energy_wh)
    cdr.refresh_from_db()
    return cdr


def _correct(cdr: Cdr, session: Session, previous_energy_wh: Decimal | None = None) -> None:
    use = AllowanceUse.objects.filter(session=session).first()
    try:
        # Of the plan it has at most what it was billed with: what is used less, the driver has again.
        fields, wh = _figures(cdr, session, use.wh if use is not None else Decimal(0))
    except pricing.UsageError:
        return
    if not session.review:
        allowances.lower(session=session, wh=wh)
    too_much = cdr.gross - fields.get("gross", cdr.gross)
    if too_much < 0 and session.user is not None and session.user.is_guest:
        # More than was held, or than was known, is not asked of a guest (`_at_most_secured`).
        return
    if too_much == 0 or (cdr.review and cdr.state == State.SETTLED):
        return
    payment = session.payments.filter(state=Payment.State.CAPTURED).first()
    energy = (
        ""
        if previous_energy_wh is None
        else f" ({_kwh(session.energy_wh)} instead of {_kwh(previous_energy_wh)})"
    )
    now, before = (round_money(amount, cdr.currency) for amount in (fields["gross"], cdr.gross))
    note = f"Late news make it {now} {cdr.currency} instead of {before}{energy}."
    if session.review:
        # What the charger says now can't be believed either: nothing moves before a person has looked.
        note, too_much = f"{note} {session.review}", Decimal(0)
    noted = Cdr.objects.filter(pk=cdr.pk, review=cdr.review).update(review=note[:200])
    if noted and too_much > 0 and payment is not None and too_much <= payment.refundable:
        refunds.refund(
            payment=payment, amount=too_much, reason="Corrected after the charger's late report", by=None
        )


def _kwh(wh: Decimal) -> str:
    return f"{wh / 1000:.3f} kWh"


def settle(*, cdr: Cdr) -> Cdr:
    """Take what is owed from the session's hold, free the rest, and issue the invoice."""
    session = cdr.session
    if cdr.state == State.UNPAID:
        debt_pages.close(debt=cdr)
    payment = session.payments.live().filter(purpose=Payment.Purpose.SESSION).first()
    owed = outstanding(cdr)
    is_guest = _is_nobody_to_ask(session)
    if owed > 0 and is_guest:
        owed = _at_most_secured(cdr, owed, payment)
        if cdr.state != State.PRICED:
            return cdr
    if owed > 0 and payment is None and parties.is_on_account(session.user, session.station.site.operator):
        return close(cdr=cdr, state=State.ON_ACCOUNT)
    if owed > 0:
        if payment is None and session.user is not None:
            payment = _charge_card(cdr, owed)
        if payment is None or payment.state not in (Payment.State.HELD, Payment.State.CAPTURING):
            return _leave_unpaid(cdr, "No hold stands for it, and the card could not be charged.")
        raising.finish_of(payment=payment)
        holds.capture(payment=payment, amount=min(owed, payment.amount))
        if payment.state == Payment.State.CAPTURING:
            return cdr
        if payment.state == Payment.State.RELEASED and session.user is not None and not is_guest:
            # The bank had let go of it: nothing was taken, so the card is asked for exactly what is owed.
            payment = _charge_card(cdr, outstanding(cdr))
            if payment is not None and payment.state == Payment.State.HELD:
                holds.capture(payment=payment, amount=payment.amount)
            if payment is not None and payment.state == Payment.State.CAPTURING:
                return cdr
        owed = outstanding(cdr)
        if owed > 0 and is_guest:
            # Their bank had let the hold go.
            owed = _at_most_secured(cdr, owed, payment)
            if cdr.state != State.PRICED:
                return cdr
        if owed > 0:
            return _leave_unpaid(cdr, f"{owed} {cdr.currency} more than was held.")
    elif payment is not None:
        holds.release(payment=payment)
    return close(cdr=cdr, state=State.SETTLED)


def _is_nobody_to_ask(session: Session) -> bool:
    """Who charged is gone, and what they paid beforehand or at the terminal is all there is."""
    if session.user is None:
        return session.payments.at_terminal().exists()
    return session.user.is_guest


def _at_most_secured(cdr: Cdr, owed: Decimal, payment: Payment | None) -> Decimal:
    """What a guest's hold does not cover is not billed: nobody could ask them for it. What is owed now."""
    stands = payment is not None and payment.state in (Payment.State.HELD, Payment.State.CAPTURING)
    over = owed - (payment.amount if payment is not None and stands else 0)
    if over <= 0 or cdr.state != State.PRICED:
        return owed
    note = f"{over} {cdr.currency} of a guest's charge was not secured."
    if over >= cdr.gross:
        Cdr.objects.filter(pk=cdr.pk, state=State.PRICED).update(state=State.WAIVED, review=note)
    else:
        lines = unsecured.reduced(from_json(cdr.lines), by=over, currency=cdr.currency, how=cdr.vat_category)
        net, tax, gross = invoicing.total(lines)
        Cdr.objects.filter(pk=cdr.pk, state=State.PRICED, gross=cdr.gross).update(
            lines=to_json(lines), net=net, tax=tax, gross=gross
        )
    log.warning("Session %s: %s", cdr.session_id, note)
    cdr.refresh_from_db()
    return outstanding(cdr)


def _charge_card(cdr: Cdr, owed: Decimal) -> Payment | None:
    """No hold stands any more: try the driver's card for exactly what is owed."""
    quote = prices.quote_of(cdr, now=timezone.now())
    try:
        return holds.place_hold(
            user=cdr.session.user,
            quote=quote,
            **holds.means(user=cdr.session.user, quote=quote, amount=owed),
            session=cdr.session,
            amount=owed,
            off_session=True,
        )
    except PaymentRefused as refusal:
        log.info("Session %s: %s", cdr.session_id, refusal)
        return None


def pay_outstanding(*, cdr: Cdr, card: Card | None, from_wallet: bool = False) -> Payment | None:
    """The driver, present, pays what could not be charged in their absence; may need their bank."""
    if cdr.state == State.UNPAID:
        debt_pages.close(debt=cdr)
        settle_paid(cdr=cdr)
    owed = outstanding(cdr)
    if cdr.state != State.UNPAID or owed <= 0:
        return None
    quote = prices.quote_of(cdr, now=timezone.now())
    payment = holds.place_hold(
        user=cdr.session.user,
        quote=quote,
        card=card,
        from_wallet=from_wallet,
        session=cdr.session,
        amount=owed,
    )
    if payment.state == Payment.State.HELD:
        settle(cdr=cdr)
    return payment


def settle_paid(*, cdr: Cdr) -> Cdr:
    """A debt that was paid on its page."""
    if cdr.state == State.UNPAID and outstanding(cdr) <= 0:
        return close(cdr=cdr, state=State.SETTLED)
    return cdr


def _leave_unpaid(cdr: Cdr, why: str) -> Cdr:
    Cdr.objects.filter(pk=cdr.pk, review="").update(review=why[:200])
    close(cdr=cdr, state=State.UNPAID)
    if cdr.state == State.UNPAID:
        debts.ask_to_pay(cdr=cdr)
    return cdr


@transaction.atomic
def close(*, cdr: Cdr, state: str) -> Cdr:
    """The bill's end: its state and its document in one commit."""
    locked = Cdr.objects.select_for_update().get(pk=cdr.pk)
    if locked.state in (State.PRICED, State.UNPAID):
        if locked.state == State.UNPAID and state == State.SETTLED:
            # Why it was not paid is over; what remains on a settled bill is for finance to look at.
            locked.review = ""
        locked.state = state
        locked.save(update_fields=["state", "review"])
        if locked.gross > 0:
            if not _waits_for_the_month(locked):
                invoices.issue_invoice(cdr=locked)
        else:
            invoices.mail_free_receipt(cdr=locked)
    cdr.refresh_from_db()
    return cdr


def _waits_for_the_month(cdr: Cdr) -> bool:
    """Whose invoices come once a month; what nobody paid yet is asked for at once."""
    account = parties.account_of(cdr.session.user, cdr.session.station.site.operator)
    return (
        account is not None and account.invoicing == account.Invoicing.MONTHLY and cdr.state != State.UNPAID
    )


def approve(*, cdr: Cdr, by: User) -> Cdr:
    """A person looked and finds the price right: bill it."""
    if cdr.version is None or not cdr.lines:
        raise PaymentRefused("This session has no price: it can only be waived.")
    if cdr.session.user_id is None and cdr.gross > 0 and not cdr.session.payments.at_terminal().exists():
        raise PaymentRefused("Nobody is known to bill: it can only be waived.")
    won = Cdr.objects.filter(pk=cdr.pk, state=State.REVIEW).update(
        state=State.PRICED, review="", reviewed_by=by, reviewed_at=timezone.now()
    )
    cdr.refresh_from_db()
    return settle(cdr=cdr) if won else cdr


def note_correction(*, cdr: Cdr, by: User) -> Cdr:
    """A person has seen that a bill's session was corrected later; the bill stays as it is."""
    Cdr.objects.filter(pk=cdr.pk, state=State.SETTLED, reviewed_at=None).exclude(review="").update(
        reviewed_by=by, reviewed_at=timezone.now()
    )
    cdr.refresh_from_db()
    return cdr


def waive(*, cdr: Cdr, by: User) -> Cdr:
    """Charge nothing for it, and give the hold free."""
    if cdr.lines and cdr.session.payments.at_terminal().exists():
        raise PaymentRefused("It was paid at the charger's terminal, so it has to be billed.")
    won = Cdr.objects.filter(pk=cdr.pk, state__in=[State.REVIEW, State.UNPAID], invoices=None).update(
        state=State.WAIVED, reviewed_by=by, reviewed_at=timezone.now()
    )
    if won:
        allowances.give_back(session=cdr.session)
        for payment in cdr.session.payments.live():
            holds.release(payment=payment)
    cdr.refresh_from_db()
    return cdr

"""Join, answer, pause, leave, and offer what is free: each change in one transaction.

Locks are taken in this order everywhere: the site's queue, the place, the driver (`bookings.actions.hold`),
the EVSE's time. One transaction makes one offer, so no two of them wait for each other's drivers.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from bookings import actions, availability, mails
from bookings.exceptions import BookingRefused, NotBookable, SlotTaken
from bookings.models import Booking, Offer, SiteRules, WaitlistPlace
from bookings.rules import Problem
from bookings.waitlist import queue as queues
from bookings.waitlist import rules
from bookings.waitlist.exceptions import (
    AlreadyWaiting,
    Hopeless,
    NotWaiting,
    OfferGone,
    TooManyPlaces,
)
from bookings.waitlist.queue import Queue
from evportal.accounts.models import User
from stations import commands, reservations
from stations.models import Site

State = WaitlistPlace.State
#: Queues that one driver may stand in at once.
MOST_PLACES = 5
LONGEST_PAUSE = timedelta(hours=24)
#: Somebody who gives an offered slot back without a word isn't offered the same again in this time.
REST = timedelta(minutes=30)


@transaction.atomic
def join(
    *,
    site: Site,
    user: User,
    starts_after: datetime,
    ends_before: datetime,
    minutes: int,
    now: datetime,
    is_now: bool = False,
    standard: str = "",
    min_power_w: int = 0,
) -> WaitlistPlace:
    """The last place in the site's queue; raises `BookingRefused`."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    wish = {
        "is_now": is_now,
        "starts_after": starts_after,
        "ends_before": ends_before,
        "minutes": minutes,
        "standard": standard,
        "min_power_w": min_power_w,
    }
    mine = WaitlistPlace.objects.of_driver(user).open()
    here = mine.filter(site=site).first()
    if here is not None:
        if _is_same(here, wish):
            return here  # A double click.
        raise AlreadyWaiting
    _check(site, starts_after, ends_before, timedelta(minutes=minutes), now)
    if mine.count() >= MOST_PLACES:
        raise TooManyPlaces
    place = WaitlistPlace(site=site, user=user, queued_at=now, **wish)
    candidates = queues.load(site, now).candidates
    possible = [
        each for each in candidates if each.suits(queues.as_wish(place)) and not each.place.walk_in_only
    ]
    if not possible:
        raise Hopeless(_("No charger here that can be booked has what you wish for."))
    place.save()
    _look(site)
    return place


def _is_same(place: WaitlistPlace, wish: dict) -> bool:
    """“Now” is a little later at the second click."""
    times = ("starts_after", "ends_before")
    near = all(abs(getattr(place, name) - wish[name]) < timedelta(minutes=2) for name in times)
    return near and all(getattr(place, name) == wish[name] for name in wish if name not in times)


def _check(site: Site, starts_after: datetime, ends_before: datetime, length: timedelta, now: datetime):
    policy: SiteRules = availability.policies_of([site])[site.pk]
    if ends_before <= starts_after:
        raise NotBookable(Problem.REVERSED)
    if not site.is_public or not policy.bookable:
        raise NotBookable(Problem.NOT_BOOKABLE)
    if length < timedelta(minutes=policy.min_minutes):
        raise NotBookable(Problem.TOO_SHORT)
    if length > timedelta(minutes=policy.max_minutes):
        raise NotBookable(Problem.TOO_LONG)
    if ends_before - starts_after < length:
        raise Hopeless(_("The time you wish for is shorter than the slot."))
    if rules.is_over(ends_before, length, now + timedelta(minutes=policy.notice_minutes)):
        raise NotBookable(Problem.PAST)
    if starts_after > now + timedelta(days=policy.horizon_days):
        raise NotBookable(Problem.TOO_FAR)


@transaction.atomic
def accept(*, place: WaitlistPlace, now: datetime) -> Booking:
    """Take the offered slot: its hold is then as long as any other, for the driver to pay in."""
    place = _locked(place)
    offer = place.offers.select_related("booking").order_by("-made_at", "-pk").first()
    if offer is not None and offer.state == Offer.State.ACCEPTED and place.state == State.ACCEPTED:
        return offer.booking  # A double click.
    if offer is None or offer.state != Offer.State.OPEN or offer.expires_at <= now:
        raise OfferGone
    policy = availability.policies_of([place.site])[place.site_id]
    held = Booking.objects.filter(
        pk=offer.booking_id, status=Booking.Status.PENDING, hold_expires_at__gt=now
    ).update(hold_expires_at=now + timedelta(minutes=policy.hold_minutes), hold_extended=False)
    offer.booking.refresh_from_db()
    if not held and offer.booking.status != Booking.Status.RESERVED:
        raise OfferGone
    _close_offer(offer, Offer.State.ACCEPTED, now)
    _close(place, State.ACCEPTED, now)
    return offer.booking


@transaction.atomic
def pause(*, place: WaitlistPlace, minutes: int, now: datetime) -> WaitlistPlace:
    """Keep the place but be offered nothing for a while; an offered slot goes to the next one at once."""
    place = _locked(place)
    if not place.is_open:
        raise NotWaiting
    place.paused_until = now + min(timedelta(minutes=minutes), LONGEST_PAUSE)
    place.state, place.unanswered = State.WAITING, 0
    place.save(update_fields=["paused_until", "state", "unanswered"])
    _decline(place, now)
    _look(place.site)
    return place


@transaction.atomic
def resume(*, place: WaitlistPlace, now: datetime) -> WaitlistPlace:
    place = _locked(place)
    if not place.is_open:
        raise NotWaiting
    place.paused_until = None
    place.save(update_fields=["paused_until"])
    _look(place.site)
    return place


@transaction.atomic
def leave(*, place: WaitlistPlace, now: datetime) -> WaitlistPlace:
    """Give the place up, and an offered slot with it; a second time changes nothing."""
    place = _locked(place)
    if place.is_open:
        _close(place, State.LEFT, now)
        _decline(place, now)
        _look(place.site)
    return place


def offer_all(*, site: Site, now: datetime) -> int:
    """Offer whatever is free to whom it suits, in order; how many offers that made. Run twice, it makes
    none the second time."""
    made, refused = 0, set()
    while offer_next(site=site, now=now, refused=refused):
        made += 1
    return made


@transaction.atomic
def offer_next(*, site: Site, now: datetime, refused: set) -> Offer | None:
    """One offer, to the first in the queue whom something free suits. Who can't take it is added to
    `refused`, and not asked again in this run."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"queue of {site.pk}"])
    queue, looks = queues.load(site, now), 3
    while chosen := queue.next_offer(but=refused):
        wish, found = chosen
        place = (
            WaitlistPlace.objects.select_for_update(of=("self",))
            .select_related("user", "site__operator")
            .filter(pk=wish.id, state=State.WAITING)
            .first()
        )
        if place is None or place.is_paused(now):
            refused.add(wish.id)  # Has left or paused since we looked.
            continue
        try:
            with transaction.atomic():
                return _offer(place, queue, found, now)
        except SlotTaken:
            # Somebody booked it since we looked: the same driver may have another one.
            looks -= 1
            if not looks:
                return None
            queue = queues.load(site, now)
        except BookingRefused:
            refused.add(wish.id)
    return None


def _offer(place: WaitlistPlace, queue: Queue, found: rules.Found, now: datetime) -> Offer:
    policy, evse = queue.policy, queue.evses[found.evse_id]
    booking = actions.hold(
        evse=evse, user=place.user, starts_at=found.starts_at, ends_at=found.ends_at, now=now
    )
    if booking.hold_expires_at != now + timedelta(minutes=policy.hold_minutes):
        raise BookingRefused  # Their own hold, made since we looked: it stays what it is.
    until = rules.offer_until(found, policy.offer_minutes, policy.noshow_timeout_minutes, place.is_now, now)
    booking.hold_expires_at = until
    # Not to be extended before it is accepted.
    booking.hold_extended = True
    if place.is_now:
        # Kept at the charger from this moment, or a walk-in would take it while the driver thinks.
        booking.reservation = reservations.reserve(
            evse=evse,
            id_token=commands.app_token(place.user, place.site.operator),
            starts_at=now,
            ends_at=booking.ends_at,
            user=place.user,
        )
    booking.save(update_fields=["hold_expires_at", "hold_extended", "reservation"])
    offer = Offer.objects.create(place=place, booking=booking, made_at=now, expires_at=until)
    place.state = State.OFFERED
    place.save(update_fields=["state"])
    mails.offered(offer)
    return offer


@transaction.atomic
def settle(*, booking: Booking, now: datetime) -> None:
    """An offered slot's booking has moved on by itself: paid, run out, given back. Once, whoever notices."""
    offer = Offer.objects.filter(booking=booking, state=Offer.State.OPEN).select_related("place").first()
    if offer is None:
        return
    place = _locked(offer.place)
    # As it is now that nobody else can be answering.
    offer = place.offers.select_related("booking").filter(pk=offer.pk, state=Offer.State.OPEN).first()
    if offer is None or place.state != State.OFFERED:
        return
    booking = offer.booking
    if booking.status in (Booking.Status.RESERVED, Booking.Status.FULFILLED, Booking.Status.NO_SHOW):
        _close_offer(offer, Offer.State.ACCEPTED, now)
        _close(place, State.ACCEPTED, now)
        return
    if booking.is_open:
        return
    if booking.status == Booking.Status.FAILED and (booking.closed_at or now) >= offer.expires_at:
        _close_offer(offer, Offer.State.EXPIRED, now)
        _unanswered(place, now)
    elif booking.status == Booking.Status.CANCELED and booking.closed_reason == "by the driver":
        _close_offer(offer, Offer.State.DECLINED, now)
        place.state, place.paused_until, place.unanswered = State.WAITING, now + REST, 0
        place.save(update_fields=["state", "paused_until", "unanswered"])
    else:
        # The operator closed it, or the charger broke: no fault of the driver's, whose turn it still is.
        _close_offer(offer, Offer.State.WITHDRAWN, now)
        place.state = State.WAITING
        place.save(update_fields=["state"])
    _look(place.site)


def _unanswered(place: WaitlistPlace, now: datetime) -> None:
    """Behind the others who wait; out of the queue when it happens again."""
    place.unanswered += 1
    if place.unanswered >= rules.PATIENCE:
        place.save(update_fields=["unanswered"])
        _close(place, State.OVER, now, reason=_("Two offers were not answered."))
        mails.out_of_queue(place, "unanswered")
        return
    place.state, place.queued_at = State.WAITING, now
    place.save(update_fields=["state", "queued_at", "unanswered"])


@transaction.atomic
def close_over(*, place: WaitlistPlace, now: datetime) -> bool:
    """The time that a driver wished for has passed without a slot: say so, once."""
    place = _locked(place)
    if place.state != State.WAITING or not rules.is_over(place.ends_before, place.length, now):
        return False
    _close(place, State.OVER, now, reason=_("Nothing became free in time."))
    mails.out_of_queue(place, "nothing")
    return True


# --- how ----------------------------------------------------------------------------------------


def _locked(place: WaitlistPlace) -> WaitlistPlace:
    return (
        WaitlistPlace.objects.select_for_update(of=("self",))
        .select_related("user", "site__operator")
        .get(pk=place.pk)
    )


def _close(place: WaitlistPlace, state: str, now: datetime, reason: str = "") -> None:
    place.state, place.closed_at, place.closed_reason = state, now, reason[:120]
    place.save(update_fields=["state", "closed_at", "closed_reason"])


def _close_offer(offer: Offer, state: str, now: datetime) -> None:
    Offer.objects.filter(pk=offer.pk, state=Offer.State.OPEN).update(state=state, answered_at=now)
    mails.offer_over(offer)


def _decline(place: WaitlistPlace, now: datetime) -> None:
    """Give an offered slot free; the place has already moved on."""
    offer = place.offers.select_related("booking").filter(state=Offer.State.OPEN).first()
    if offer is None:
        return
    _close_offer(offer, Offer.State.DECLINED, now)
    if offer.booking.status == Booking.Status.PENDING:
        actions.cancel(booking=offer.booking, by=place.user, now=now)


def _look(site: Site) -> None:
    """Have a worker see what can be offered, once this is committed."""
    from bookings.waitlist.tasks import offer_free

    transaction.on_commit(lambda: offer_free.delay(site.pk), robust=True)

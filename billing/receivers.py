"""What money does when chargers and bookings have news; the work itself is in tasks."""

from django.dispatch import receiver

from billing import tasks
from bookings.signals import (
    booking_cancelled,
    booking_failed,
    booking_fulfilled,
    booking_moved,
    no_show,
)
from stations.signals import (
    command_finished,
    readings_recorded,
    session_corrected,
    session_ended,
    session_started,
    settlement_recorded,
)

STARTS = ("RemoteStartTransaction", "RequestStartTransaction")


@receiver(session_started)
def on_session_started(session, **_news):
    tasks.open_session.delay_on_commit(str(session.pk))


@receiver(session_ended)
def on_session_ended(session, **_news):
    tasks.bill_session.delay_on_commit(str(session.pk))


@receiver(session_corrected)
def on_session_corrected(session, previous_energy_wh, **_news):
    tasks.correct_session.delay_on_commit(str(session.pk), str(previous_energy_wh))


@receiver(readings_recorded)
def on_readings_recorded(session_ids, **_news):
    ids = [str(pk) for pk in session_ids if pk]
    if ids:
        tasks.watch_holds.delay_on_commit(ids)


@receiver(command_finished)
def on_command_finished(command, **_news):
    if command.action in STARTS:
        tasks.follow_command.delay_on_commit(str(command.pk))


@receiver(booking_fulfilled)
def on_booking_fulfilled(booking, **_news):
    if booking.session_id is None:
        # The session of the booking before goes on, and so does its hold: this one's isn't needed.
        tasks.close_booking.delay_on_commit(str(booking.pk))
    else:
        tasks.forgive_fee.delay_on_commit(str(booking.pk))


@receiver([no_show, booking_cancelled, booking_failed])
def on_booking_closed(booking, **_news):
    tasks.close_booking.delay_on_commit(str(booking.pk))


@receiver(booking_moved)
def on_booking_moved(booking, **_news):
    tasks.requote.delay_on_commit(str(booking.pk))


@receiver(settlement_recorded)
def on_settlement_recorded(settlement, **_news):
    if settlement.session_id:
        tasks.pay_at_terminal.delay_on_commit(str(settlement.session_id))

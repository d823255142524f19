"""What the browser and the alerts learn when chargers report, and when roles change."""

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from evportal.accounts.models import Membership, Operator, User
from monitoring import actions, effects, live, security_alerts, tasks
from stations import signals
from stations.models import Site


@receiver(signals.status_changed)
def on_status_changed(evses, **kwargs):
    live.push_stations(evse.station_id for evse in evses)


@receiver(signals.stations_changed)
def on_stations_changed(station_ids, **kwargs):
    live.push_stations(station_ids)


@receiver(signals.readings_recorded)
def on_readings_recorded(session_ids, station_ids, **kwargs):
    live.push_stations(station_ids)
    live.push_sessions(session_ids)


@receiver([signals.session_started, signals.session_ended])
def on_session_changed(session, **kwargs):
    live.push_stations([session.station_id])
    live.push_sessions([session.pk])


@receiver(signals.command_finished)
def on_command_finished(command, **kwargs):
    live.push_stations([command.station_id])
    if command.bulk_id:
        live.push_bulk(command.bulk_id)
    if command.action in effects.STARTS and command.accepted:
        # Whoever watches is told that it did not start, should nothing else happen there.
        tasks.push_later.apply_async(
            ("station", command.station_id), countdown=effects.START_WITHIN.total_seconds() + 1
        )


@receiver(signals.maintenance_changed)
def on_maintenance_changed(station_id, **kwargs):
    live.push_stations([station_id])


@receiver(signals.events_recorded)
def on_events_recorded(events, **kwargs):
    security_alerts.heed(events)


@receiver(post_save, sender=Operator)
def on_operator_saved(instance, created, raw=False, **kwargs):
    if created and not raw:
        actions.default_rules(operator=instance)


# --- sockets die with the role -----------------------------------------------------------------


def look_again(user_id) -> None:
    """Have every live socket of this person look at what they may see now."""

    def send():
        async_to_sync(get_channel_layer().group_send)(live.access_group(user_id), {"type": "live.recheck"})

    transaction.on_commit(send, robust=True)


@receiver([post_save, post_delete], sender=Membership)
def on_membership_changed(instance, **kwargs):
    look_again(instance.user_id)


@receiver(m2m_changed, sender=Site.members.through)
def on_sites_of_membership_changed(instance, action, reverse, pk_set, **kwargs):
    if not action.startswith("post_"):
        return
    # Changed from the membership's side, `instance` is it; from the site's, the keys name the memberships.
    changed = (
        [instance.user_id]
        if reverse
        else Membership.objects.filter(pk__in=pk_set or []).values_list("user_id", flat=True)
    )
    for user_id in changed:
        look_again(user_id)


@receiver(post_save, sender=User)
def on_user_saved(instance, created, update_fields=None, **kwargs):
    if not created and update_fields != frozenset({"last_login"}):
        look_again(instance.pk)


@receiver(user_logged_out)
def on_logged_out(user=None, **kwargs):
    if user is not None:
        look_again(user.pk)

"""Events are kept for a time only."""

from datetime import timedelta

import pytest
from django.utils import timezone

from stations import events
from stations.models import Event
from tests import make

pytestmark = pytest.mark.django_db


def test_old_events_go_and_young_ones_stay(settings):
    station, now = make.station(), timezone.now()
    for days in (settings.EVENTS_KEEP_DAYS - 1, settings.EVENTS_KEEP_DAYS + 1, settings.EVENTS_KEEP_DAYS + 2):
        at = now - timedelta(days=days)
        Event.objects.create(station=station, kind=Event.Kind.OTHER, code=f"{days}", at=at, received_at=at)
    assert events.purge(now, most=1) == 1
    assert events.purge(now) == 1
    assert events.purge(now) == 0
    assert Event.objects.get().code == f"{settings.EVENTS_KEEP_DAYS - 1}"

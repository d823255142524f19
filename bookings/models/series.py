"""Bookings that were made together: the same time, week after week."""

import uuid

from django.db import models
from django.db.models import Q

from evportal.accounts.access import Access
from evportal.accounts.models import User
from stations.models import Evse


class SeriesQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_bookings"):
        mine = Q(user_id=access.user_id) if access.user_id else Q(pk__in=[])
        return self.filter(access.sites(permission, "evse__station__site") | mine)

    def of_driver(self, user):
        return self.filter(user=user)


class BookingSeries(models.Model):
    """What a driver or an operator asked for at once. Each booking lives on by itself."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="booking_series")
    evse = models.ForeignKey(Evse, models.PROTECT, related_name="booking_series")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SeriesQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name_plural = "booking series"

    def __str__(self):
        return f"{self.evse}, made on {self.created_at:%Y-%m-%d}"

"""What a driver wants of their bookings beside the slots: when to be reminded, and links for calendars."""

from django.db import models

from evportal.accounts.models import User
from evportal.outbox import sealing
from stations.models import Site


class DriverChoice(models.Model):
    """Kept once somebody has chosen something else than the usual."""

    REMIND_MINUTES = 60

    user = models.OneToOneField(User, models.CASCADE, related_name="booking_choice")
    #: Before the slot; 0 is never.
    remind_minutes = models.PositiveSmallIntegerField(default=REMIND_MINUTES)

    def __str__(self):
        return str(self.user)

    @classmethod
    def minutes_of(cls, user) -> int:
        found = cls.objects.filter(user=user).values_list("remind_minutes", flat=True).first()
        return cls.REMIND_MINUTES if found is None else found


class CalendarFeed(models.Model):
    """A secret address under which a calendar program fetches a person's bookings, or a site's.

    Whoever has the address reads along, so a new one replaces it at any time. It is found by its hash and
    sealed for its owner to see again. A site's shows what its owner may see at that moment, and nothing
    once their role there has ended.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="calendar_feeds")
    site = models.ForeignKey(Site, models.CASCADE, null=True, blank=True, related_name="calendar_feeds")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    sealed_token = models.TextField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["user", "site"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "site"], nulls_distinct=False, name="one_feed_for_each_calendar"
            )
        ]

    def __str__(self):
        return f"{self.user}: {self.site or 'own bookings'}"

    @property
    def token(self) -> str:
        return sealing.opened(self.sealed_token)

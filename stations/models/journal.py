"""The journal: every frame to and from chargers, and which of them workers still have to ingest."""

from datetime import timedelta

from django.db import models

from evportal.accounts.access import Access
from stations.models.station import Station


class Batch(models.Model):
    """What one process committed together; `done_at` empty means that a worker must still ingest it."""

    id = models.UUIDField(primary_key=True)
    received_at = models.DateTimeField()
    messages = models.PositiveIntegerField()
    done_at = models.DateTimeField(null=True)
    #: Why it could not be ingested; a person has to look, the sweep tries again.
    error = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(fields=["received_at"], condition=models.Q(done_at=None), name="batches_to_ingest"),
        ]

    def __str__(self):
        return f"{self.received_at:%Y-%m-%d %H:%M:%S} ({self.messages})"


class MessageQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_messages"):
        return self.filter(station__in=Station.objects.visible_to(access, permission))


class Frame(models.Model):
    """What the message log holds of one frame."""

    class Kind(models.TextChoices):
        CALL = "call"
        RESULT = "result"
        ERROR = "error"
        BAD = "bad", "not OCPP"

    #: Our clock, when the socket received or sent it.
    at = models.DateTimeField()
    station = models.ForeignKey(Station, models.DO_NOTHING, related_name="%(class)ss", db_constraint=False)
    connection = models.UUIDField()
    from_station = models.BooleanField()
    kind = models.CharField(max_length=6, choices=Kind)
    message_id = models.CharField(max_length=64)
    action = models.CharField(max_length=50)
    version = models.CharField(max_length=6)
    frame = models.TextField()
    #: The payload of the CALLRESULT that followed at once, for a report: it says no more than that the
    #: report is kept, so it has no row of its own.
    answer = models.TextField(null=True)
    batch = models.UUIDField(null=True)
    #: Who asked for it: the command's id, where a call of ours came from one.
    command = models.UUIDField(null=True)

    class Meta:
        abstract = True

    def __str__(self):
        return f"{self.action} {self.message_id}"


class Message(Frame):
    """One frame as it went over the wire. Partitioned by day on `at` (stations/partitions.py)."""

    pk = models.CompositePrimaryKey("at", "id")
    id = models.UUIDField()

    objects = MessageQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "stations_message"


class LoggedMessage(Frame):
    """The same rows for the admin, which takes no key of two columns. Only read: whoever knows `at` says it,
    or every partition is asked."""

    id = models.UUIDField(primary_key=True)

    class Meta:
        managed = False
        db_table = "stations_message"
        verbose_name = "message"


#: A process that has not said for so long that it lives is taken for dead.
NODE_SILENT = timedelta(seconds=20)


class Node(models.Model):
    """A web process that holds chargers' sockets; one that falls silent has lost them."""

    channel = models.CharField(max_length=100, unique=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self):
        return self.channel

    @classmethod
    def listening_since(cls, now):
        """Since when chargers could connect at all; None while no process listens."""
        alive = cls.objects.filter(seen_at__gte=now - NODE_SILENT)
        return alive.aggregate(since=models.Min("started_at"))["since"]

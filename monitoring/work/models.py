"""Work orders and what belongs to each."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import User
from stations.models import Evse, Site, Station
from stations.models.firmware import private_storage, stored_name


def photo_path(photo, filename) -> str:
    return stored_name("photos")


class WorkOrderQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_alerts"):
        return self.filter(access.sites(permission, "site"))

    def running(self):
        return self.filter(status__in=WorkOrder.RUNNING)


class WorkOrder(models.Model):
    """A job at a site, mostly at one charger; it often comes from an alert. Closed with its cause."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        IN_PROGRESS = "in_progress", _("In progress")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")

    class Priority(models.IntegerChoices):
        URGENT = 1, _("Urgent")
        HIGH = 2, _("High")
        NORMAL = 3, _("Normal")
        LOW = 4, _("Low")

    RUNNING = (Status.OPEN, Status.IN_PROGRESS)

    site = models.ForeignKey(Site, models.CASCADE, related_name="work_orders")
    station = models.ForeignKey(Station, models.CASCADE, null=True, blank=True, related_name="work_orders")
    evse = models.ForeignKey(Evse, models.CASCADE, null=True, blank=True, related_name="work_orders")
    alert = models.ForeignKey(
        "monitoring.Alert", models.SET_NULL, null=True, blank=True, related_name="work_orders"
    )
    title = models.CharField(max_length=200)
    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.NORMAL)
    assignee = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="work_orders")
    due_on = models.DateField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    #: What it was and what helped; also written into the ledger of outages.
    cause = models.CharField(max_length=300, blank=True)
    exclusion = models.CharField(max_length=12, blank=True)

    objects = WorkOrderQuerySet.as_manager()

    class Meta:
        ordering = ["priority", "created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["alert"],
                condition=Q(status__in=("open", "in_progress")),
                name="one_running_job_per_alert",
            ),
            models.CheckConstraint(
                condition=~Q(status="done") | ~Q(cause=""), name="a_job_is_done_with_its_cause"
            ),
            models.CheckConstraint(
                condition=Q(status__in=("open", "in_progress"), closed_at=None)
                | Q(status__in=("done", "cancelled"), closed_at__isnull=False),
                name="a_job_is_closed_at_a_time",
            ),
        ]
        indexes = [models.Index(fields=["site", "status"])]

    def __str__(self):
        return f"#{self.pk} {self.title}"

    @property
    def is_running(self) -> bool:
        return self.status in self.RUNNING


class OfJob(models.Model):
    """What belongs to a job, who added it and when."""

    at = models.DateTimeField()
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        abstract = True
        ordering = ["pk"]


class ChecklistItem(models.Model):
    order = models.ForeignKey(WorkOrder, models.CASCADE, related_name="checklist")
    text = models.CharField(max_length=120)
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["pk"]

    def __str__(self):
        return self.text


class Note(OfJob):
    order = models.ForeignKey(WorkOrder, models.CASCADE, related_name="notes")
    text = models.CharField(max_length=1000)

    def __str__(self):
        return self.text[:60]


class Part(OfJob):
    order = models.ForeignKey(WorkOrder, models.CASCADE, related_name="parts")
    name = models.CharField(max_length=80)
    number = models.CharField(max_length=60, blank=True)
    quantity = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])

    def __str__(self):
        return f"{self.quantity} × {self.name}"


class PhoneEntry(models.Model):
    """What a phone has handed in, by the key that it gave it: handed in again it changes nothing."""

    order = models.ForeignKey(WorkOrder, models.CASCADE, related_name="+")
    by = models.ForeignKey(User, models.CASCADE, related_name="+")
    key = models.UUIDField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["by", "key"], name="an_entry_is_handed_in_once")]

    def __str__(self):
        return f"{self.key}"


class Photo(OfJob):
    """Given out as something to keep, never shown as part of a page: nobody has looked into it."""

    order = models.ForeignKey(WorkOrder, models.CASCADE, related_name="photos")
    file = models.FileField(storage=private_storage, upload_to=photo_path, editable=False)
    #: jpg, png, webp or heic, by its first bytes.
    kind = models.CharField(max_length=5)
    size = models.PositiveIntegerField()

    def __str__(self):
        return f"{self.order_id}-{self.pk}.{self.kind}"

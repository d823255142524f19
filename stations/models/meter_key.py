"""Public keys of meters, and what the signed values of each session proved."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import User
from stations.models.session import Session
from stations.models.station import Evse
from stations.ocmf import keys
from stations.ocmf.judging import GRAVE, Verdict
from stations.ocmf.words import NOTES, REASONS, VERDICTS


class MeterKeyQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "evse__station__site"))


class MeterKey(models.Model):
    """The public key of the meter at an EVSE, and how far it is believed."""

    class Status(models.TextChoices):
        #: Values are checked with it while nobody has entered one.
        LEARNED = "learned", _("As the charger says")
        TRUSTED = "trusted", _("Trusted")
        #: Told later than another one: not used before a person has looked.
        CHANGED = "changed", _("Told anew, not confirmed")
        RETIRED = "retired", _("Not in use any more")

    evse = models.ForeignKey(Evse, models.CASCADE, related_name="meter_keys")
    key = models.TextField(
        help_text=_("DER, PEM or a point, in hex or Base64, as the maker or the charger gives it.")
    )
    #: The same however the key is written.
    fingerprint = models.CharField(max_length=64, editable=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.TRUSTED)
    note = models.CharField(max_length=200, blank=True, help_text=_("E.g. the meter's number."))
    created_at = models.DateTimeField(auto_now_add=True)
    #: Who said so; empty where only the charger did.
    confirmed_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    objects = MeterKeyQuerySet.as_manager()

    class Meta:
        ordering = ["evse", "-created_at"]
        verbose_name = _("meter's public key")
        verbose_name_plural = _("meters' public keys")
        constraints = [
            models.UniqueConstraint(
                fields=["evse", "fingerprint"],
                name="one_row_per_meter_key",
                violation_error_message=_("This key is entered for this EVSE already."),
            )
        ]

    def __str__(self):
        return f"{self.evse} {self.fingerprint[:12]}"

    def clean(self):
        try:
            self.fingerprint = keys.read(self.key).fingerprint
        except keys.Unreadable as problem:
            raise ValidationError({"key": str(problem)}) from problem

    @property
    def curve(self) -> str:
        try:
            return keys.read(self.key).curve
        except keys.Unreadable:
            return ""


class SignedCheckQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "session__station__site"))

    def grave(self):
        return self.filter(verdict__in=GRAVE)


class SignedCheck(models.Model):
    """What the signed values of an ended session prove; worked out anew whenever one comes late."""

    session = models.OneToOneField(Session, models.CASCADE, related_name="signed_check")
    verdict = models.CharField(max_length=20, choices=[(each.value, VERDICTS[each]) for each in Verdict])
    #: A `Reason`, and the odd facts as the texts say them.
    reason = models.CharField(max_length=30, blank=True)
    detail = models.CharField(max_length=200, blank=True)
    notes = models.JSONField(default=list)
    #: The operator's choice for what could not be proved: the bill waits for a person.
    is_held = models.BooleanField(default=False)
    meter_key = models.ForeignKey(MeterKey, models.SET_NULL, null=True, blank=True, related_name="+")
    meter_serial = models.CharField(max_length=100, blank=True)
    #: The signed registers that both ends have, in Wh, with their times.
    start_wh = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    stop_wh = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    start_at = models.DateTimeField(null=True)
    stop_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField()

    objects = SignedCheckQuerySet.as_manager()

    class Meta:
        ordering = ["-checked_at"]
        verbose_name = _("check of signed values")
        verbose_name_plural = _("checks of signed values")
        indexes = [models.Index(fields=["verdict", "-checked_at"])]

    def __str__(self):
        return f"{self.session}: {self.get_verdict_display()}"

    @property
    def is_good(self) -> bool:
        return self.verdict == Verdict.GOOD

    @property
    def is_grave(self) -> bool:
        return self.verdict in GRAVE

    @property
    def energy_wh(self):
        """What is billed, where the values are genuine; None otherwise."""
        if not self.is_good or self.start_wh is None or self.stop_wh is None:
            return None
        return self.stop_wh - self.start_wh

    @property
    def reason_words(self) -> str:
        return REASONS.get(self.reason, "")

    @property
    def note_words(self) -> list:
        return [NOTES[note] for note in self.notes if note in NOTES]

    @property
    def hold_words(self) -> str:
        """For the session's `review`, which is kept in one language."""
        with translation.override("en"):
            return f"Signed meter values: {self.reason_words} {self.detail}".strip()

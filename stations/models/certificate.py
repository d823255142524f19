"""Certificates: our own authorities, roots that are trusted, what was issued, and what is on stations."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import Operator
from stations.models.command import Command
from stations.models.station import Station


class RootKind(models.TextChoices):
    """OCPP 2.1 InstallCertificateUse; 1.6 spells the first CentralSystemRootCertificate."""

    CSMS = "CSMSRootCertificate", _("Portal (CSMS) root")
    V2G = "V2GRootCertificate", _("V2G root")
    MO = "MORootCertificate", _("Mobility operator root")
    MANUFACTURER = "ManufacturerRootCertificate", _("Manufacturer root")
    OEM = "OEMRootCertificate", _("Vehicle manufacturer root")


class CertificateUse(models.TextChoices):
    """OCPP 2.1 CertificateSigningUse."""

    STATION = "ChargingStationCertificate", _("Charger to portal")
    V2G = "V2GCertificate", _("Charger to car (ISO 15118-2)")
    V2G20 = "V2G20Certificate", _("Charger to car (ISO 15118-20)")


class Authority(models.Model):
    """A certificate of the built-in authority and its key: a root, or the one below it that signs."""

    class Purpose(models.TextChoices):
        CSMS = "csms", _("Chargers' own certificates")
        V2G = "v2g", _("Plug & Charge")

    purpose = models.CharField(max_length=4, choices=Purpose)
    is_root = models.BooleanField()
    subject = models.CharField(max_length=200)
    certificate = models.TextField()
    #: Encrypted with a key derived from SECRET_KEY.
    private_key = models.TextField(editable=False)
    not_after = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "authorities"
        ordering = ["purpose", "-is_root"]
        constraints = [
            models.UniqueConstraint(fields=["purpose", "is_root"], name="one_authority_per_purpose"),
        ]

    def __str__(self):
        return self.subject


class RootCertificateQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.operators(permission))


class RootCertificate(models.Model):
    """A root (or another authority's certificate) that an operator trusts or puts on its chargers."""

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="root_certificates")
    kind = models.CharField(max_length=30, choices=RootKind)
    name = models.CharField(max_length=80, help_text=_("What your people call it."))
    certificate = models.TextField(help_text=_("In PEM: one certificate of an authority."))
    subject = models.CharField(max_length=255, editable=False)
    fingerprint = models.CharField(max_length=64, editable=False, help_text=_("SHA-256"))
    not_after = models.DateTimeField(editable=False)
    admits_stations = models.BooleanField(
        default=False,
        help_text=_(
            "Chargers may sign in with certificates that it signed itself, if these name their identity."
        ),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = RootCertificateQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "kind", "fingerprint"], name="one_root_certificate_per_kind"
            )
        ]

    def __str__(self):
        return self.name


class CertificateQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "station__site"))

    def good(self, now):
        """Issued, in time, and not revoked."""
        return self.filter(revoked_at=None, not_before__lte=now, not_after__gt=now).exclude(fingerprint="")


class Certificate(models.Model):
    """What a station asked to have signed, and what became of it."""

    class Status(models.TextChoices):
        REQUESTED = "requested", _("Being signed")
        REFUSED = "refused", _("Refused by the portal")
        SENT = "sent", _("Sent to the charger")
        INSTALLED = "installed", _("Taken by the charger")
        REJECTED = "rejected", _("Rejected by the charger")
        UNDELIVERED = "undelivered", _("The charger did not answer")

    station = models.ForeignKey(Station, models.CASCADE, related_name="certificates")
    use = models.CharField(max_length=30, choices=CertificateUse)
    status = models.CharField(max_length=12, choices=Status, default=Status.REQUESTED)
    csr = models.TextField()
    #: As the station asked: whether it named a type, and the number of its request (2.1).
    named_use = models.BooleanField(default=False)
    request_id = models.BigIntegerField(null=True, blank=True)
    common_name = models.CharField(max_length=80, blank=True)
    problem = models.CharField(max_length=255, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    try_at = models.DateTimeField(default=timezone.now, editable=False)

    #: Leaf first, without the root.
    chain = models.TextField(blank=True)
    #: Hexadecimal without zeros ahead, as OCPP has it.
    serial_number = models.CharField(max_length=40, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True, help_text=_("SHA-256"))
    issuer = models.CharField(max_length=255, blank=True)
    not_before = models.DateTimeField(null=True, blank=True)
    not_after = models.DateTimeField(null=True, blank=True)
    command = models.ForeignKey(Command, models.SET_NULL, null=True, blank=True, related_name="+")
    #: When the charger was last asked for a successor.
    renewal_asked_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revocation_reason = models.CharField(max_length=30, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    issued_at = models.DateTimeField(null=True, blank=True)

    objects = CertificateQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["station", "-created_at"]),
            models.Index(fields=["serial_number"]),
            models.Index(fields=["try_at"], condition=Q(status="requested"), name="certificates_to_sign"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint"], condition=~Q(fingerprint=""), name="one_row_per_certificate"
            ),
            models.UniqueConstraint(
                fields=["station", "use"], condition=Q(status="requested"), name="one_request_at_a_time"
            ),
        ]

    def __str__(self):
        return f"{self.common_name or self.station} {self.serial_number}".strip()

    @property
    def is_issued(self) -> bool:
        return bool(self.fingerprint)

    @property
    def is_expired(self) -> bool:
        return self.not_after is not None and self.not_after <= timezone.now()


class InstalledCertificateQuerySet(models.QuerySet):
    def visible_to(self, access: Access, permission: str = "view_ops"):
        return self.filter(access.sites(permission, "station__site"))


class InstalledCertificate(models.Model):
    """A certificate on a station, as the station told: only its hashes are known."""

    station = models.ForeignKey(Station, models.CASCADE, related_name="installed_certificates")
    #: RootKind's words, or V2GCertificateChain.
    kind = models.CharField(max_length=30)
    hash_algorithm = models.CharField(max_length=6)
    issuer_name_hash = models.CharField(max_length=128)
    issuer_key_hash = models.CharField(max_length=128)
    serial_number = models.CharField(max_length=40)
    #: Below the chain's first one (2.x childCertificateHashData).
    is_child = models.BooleanField(default=False)
    seen_at = models.DateTimeField()

    objects = InstalledCertificateQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "station",
                    "kind",
                    "hash_algorithm",
                    "issuer_name_hash",
                    "issuer_key_hash",
                    "serial_number",
                ],
                name="one_row_per_installed_certificate",
            )
        ]

    def __str__(self):
        return f"{self.kind} {self.serial_number}"

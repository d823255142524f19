"""People, operators (the tenants) and what people may do there."""

import secrets
from hashlib import sha256

from django.conf import settings
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import ACCOUNTANT, MANAGER, SUPPORT, TECHNICIAN, Access, Grant
from evportal.accounts.audit.triggers import recorded


class UserManager(BaseUserManager):
    use_in_migrations = True

    def create_user(self, email, password=None, **fields):
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email, password=None, **fields):
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def create_guest(self, *, language: str = "en"):
        """Somebody who charges without an account: nothing about them lets anybody sign in."""
        user = self.model(email="", is_guest=True, is_active=False, language=language)
        user.set_unusable_password()
        user.save(using=self._db)
        Guest.objects.using(self._db).create(user=user)
        return user

    def get_by_natural_key(self, email):
        return self.get(email__iexact=email, is_guest=False)


class User(AbstractBaseUser, PermissionsMixin):
    """A person; drivers have vehicles and tokens, operators' people have memberships.

    A guest is one too, because starts, sessions, payments and documents are somebody's: without an address,
    a password or the right to sign in, which the database holds.
    """

    email = models.EmailField(_("e-mail"), blank=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="en")
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(
        default=False, help_text=_("May open the admin; what is there to see depends on the memberships.")
    )
    is_guest = models.BooleanField(
        _("guest"),
        default=False,
        editable=False,
        help_text=_("Charged without an account, and can never sign in."),
    )
    date_joined = models.DateTimeField(default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("email"), condition=Q(is_guest=False), name="one_account_per_email"
            ),
            models.CheckConstraint(
                condition=(Q(is_guest=False) & ~Q(email=""))
                | Q(
                    is_guest=True,
                    email="",
                    is_active=False,
                    is_staff=False,
                    is_superuser=False,
                    password__startswith=UNUSABLE_PASSWORD_PREFIX,
                ),
                name="guests_can_not_sign_in",
            ),
        ]

    def __str__(self):
        return self.email or str(_("Guest %(number)s") % {"number": self.pk})

    @property
    def mail_address(self) -> str:
        """Where to write to: an account's address, or what came with a guest's payment; may be empty."""
        return self.guest.email if self.is_guest else self.email

    def get_full_name(self):
        return self.name or str(self)

    def get_short_name(self):
        return self.name.split(" ")[0] if self.name else self.email


def new_guest_key() -> str:
    return secrets.token_urlsafe(16)


class Guest(models.Model):
    """What is kept of somebody who charges once without an account; links are made in guests.py."""

    user = models.OneToOneField(User, models.CASCADE, related_name="guest")
    #: What their links are made of: a new one ends all links that are out.
    key = models.CharField(max_length=32, unique=True, default=new_guest_key, editable=False)
    #: What their card or wallet gave to the payment provider; nobody has proved that it is theirs.
    email = models.EmailField(_("e-mail"), blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    #: When what was personal about them was removed.
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["created_at"], condition=Q(erased_at=None), name="guests_to_be_erased")
        ]

    def __str__(self):
        return str(self.user)


class Operator(models.Model):
    """A charge point operator: the tenant, and the seller on its invoices."""

    class UnprovenMeterValues(models.TextChoices):
        BY_LAW = "", _("As the law of the place wants it (Germany: wait)")
        BILL = "bill", _("Bill it")
        HOLD = "hold", _("Wait for a person")

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    legal_name = models.CharField(max_length=200, blank=True)
    party_id = models.CharField(
        max_length=3, blank=True, help_text=_("Three letters of the eMI3 operator id, e.g. ABC in DE*ABC.")
    )
    street = models.CharField(max_length=200, blank=True)
    postcode = models.CharField(max_length=20, blank=True)
    city = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=2, default="DE", help_text=_("ISO 3166-1 alpha-2"))
    vat_id = models.CharField("VAT id", max_length=20, blank=True)
    currency = models.CharField(max_length=3, default="EUR", help_text=_("ISO 4217"))
    support_email = models.EmailField(blank=True)
    support_phone = models.CharField(max_length=40, blank=True)
    unproven_meter_values = models.CharField(
        max_length=10,
        choices=UnprovenMeterValues,
        default=UnprovenMeterValues.BY_LAW,
        blank=True,
        help_text=_(
            "A charge whose meter signs, but whose signed values are incomplete or can't be checked, e.g. "
            "because the meter's public key is unknown. Wrong signatures always wait for a person."
        ),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        triggers = recorded("accounts.operator", operator="it.id", name="it.name")

    def __str__(self):
        return self.name

    @property
    def seller_name(self) -> str:
        return self.legal_name or self.name


class Role(models.TextChoices):
    MANAGER = MANAGER, _("Manager")
    TECHNICIAN = TECHNICIAN, _("Technician")
    ACCOUNTANT = ACCOUNTANT, _("Accountant")
    SUPPORT = SUPPORT, _("Support")


class Membership(models.Model):
    """A person's role at an operator; naming sites (on the site's side) limits it to those."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    operator = models.ForeignKey(Operator, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)
    limited = models.BooleanField(
        default=False, help_text=_("Only the sites chosen below; none chosen then means none.")
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "operator", "role"], name="one_membership_per_role")
        ]
        triggers = recorded("accounts.membership", operator="it.operator_id", name="it.role")

    def __str__(self):
        return f"{self.user}: {self.get_role_display()} of {self.operator}"

    def grant(self) -> Grant:
        sites = frozenset(site.pk for site in self.sites.all()) if self.limited else None
        return Grant(self.operator_id, self.role, sites)


class Vehicle(models.Model):
    """A driver's car: what plugs in, and how much fits."""

    user = models.ForeignKey(User, models.CASCADE, related_name="vehicles")
    name = models.CharField(max_length=80)
    plate = models.CharField(max_length=20, blank=True)
    connector_standard = models.CharField(
        max_length=40, default="IEC_62196_T2_COMBO", help_text=_("As OCPI spells it.")
    )
    battery_kwh = models.DecimalField(max_digits=6, decimal_places=1, null=True, blank=True)
    max_power_kw = models.DecimalField(max_digits=6, decimal_places=1, null=True, blank=True)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self):
        return self.name


class ApiKeyQuerySet(models.QuerySet):
    def visible_to(self, access: Access):
        return self.filter(access.operators("manage_members"))


class ApiKey(models.Model):
    """A machine's key to the API: the key itself is shown once, only its hash is kept."""

    operator = models.ForeignKey(Operator, models.CASCADE, related_name="api_keys")
    role = models.CharField(max_length=20, choices=Role)
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, editable=False)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        triggers = recorded(
            "accounts.apikey",
            operator="it.operator_id",
            name="it.name",
            # Each use is written down too, and is no change.
            only=["operator_id", "role", "name", "prefix", "revoked_at"],
        )

    def __str__(self):
        return f"{self.name} ({self.prefix}…)"

    # What DRF and the views ask of whoever makes a request.
    is_authenticated = True
    is_anonymous = False
    is_active = True
    is_superuser = False

    @staticmethod
    def hash(key: str) -> str:
        # The key is 256 random bits, so a plain hash is as good as a slow one and needs no waiting.
        return sha256(key.encode()).hexdigest()

    @classmethod
    def issue(cls, *, operator: Operator, role: str, name: str, created_by: User | None = None):
        """A new key and its row; the key can't be read again later."""
        key = "evp_" + secrets.token_urlsafe(32)
        row = cls.objects.create(
            operator=operator,
            role=role,
            name=name,
            created_by=created_by,
            prefix=key[:12],
            key_hash=cls.hash(key),
        )
        return key, row

    def access(self) -> Access:
        return Access(grants=(Grant(self.operator_id, self.role),))


# The record of changes: a topic of its own, whose table is this app's.
from evportal.accounts.audit.models import Change  # noqa: E402, F401

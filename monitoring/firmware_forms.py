"""Forms about firmware, logs and customers: each ends in one action of `stations`."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from evportal.accounts.access import Access
from evportal.accounts.models import Operator, User
from stations import customer_information, logs
from stations.exceptions import Refused
from stations.firmware import campaigns, images, publications, updates
from stations.models import Campaign, FirmwareImage, LogRequest, Site, Station

#: A charger that is off gets the call when it comes back within this.
WAIT = timedelta(days=7)


def when(**kwargs) -> forms.DateTimeField:
    widget = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(widget=widget, required=False, **kwargs)


class ActionForm(forms.Form):
    """`act()` does what the form is for; what it refuses is said in the form."""

    use_required_attribute = False

    def act(self, by: User):
        raise NotImplementedError

    def tried(self, by: User):
        """What the action made; None if it was refused, with the reason in the form."""
        try:
            return self.act(by)
        except Refused as refusal:
            self.add_error(None, str(refusal))
            return None


class StationForm(ActionForm):
    wait = forms.BooleanField(
        label=_("If it is off, wait up to 7 days for it"),
        required=False,
        help_text=_("Otherwise a charger that is not connected is not asked."),
    )

    def __init__(self, *args, station: Station, **kwargs):
        super().__init__(*args, **kwargs)
        self.station = station

    @property
    def keep_for(self) -> timedelta | None:
        return WAIT if self.cleaned_data["wait"] else None


class ImageField(forms.ModelChoiceField):
    def label_from_instance(self, image: FirmwareImage) -> str:
        return f"{image} ({_g('signed')})" if image.is_signed else str(image)


class Update(StationForm):
    image = ImageField(FirmwareImage.objects.none(), label=_("Firmware"), empty_label=None)
    retrieve_at = when(label=_("Download from"), help_text=_("Empty: at once."))
    install_at = when(label=_("Install from"), help_text=_("Empty: as soon as nothing charges there."))
    retries = forms.IntegerField(
        label=_("Further attempts"), initial=2, validators=[MinValueValidator(0), MaxValueValidator(20)]
    )
    replace = forms.BooleanField(
        label=_("Give up an update that is under way"),
        required=False,
        help_text=_("The charger is told the new one, and forgets the other."),
    )
    field_order = ["image", "retrieve_at", "install_at", "retries", "replace", "wait"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        offered = FirmwareImage.objects.for_station(self.station)
        fitting = [image.pk for image in offered if image.fits(self.station)]
        self.fields["image"].queryset = offered.filter(pk__in=fitting)

    def act(self, by):
        data = self.cleaned_data
        return updates.start(
            station=self.station,
            image=data["image"],
            retrieve_at=data["retrieve_at"],
            install_at=data["install_at"],
            retries=data["retries"],
            retry_interval_s=120,
            replace=data["replace"],
            by=by,
            keep_for=self.keep_for,
        )


class Publish(StationForm):
    image = ImageField(FirmwareImage.objects.none(), label=_("Firmware"), empty_label=None)
    wait = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["image"].queryset = FirmwareImage.objects.for_station(self.station).exclude(md5="")

    def act(self, by):
        return publications.publish(station=self.station, image=self.cleaned_data["image"], by=by)


class AskLog(StationForm):
    kind = forms.ChoiceField(label=_("Which log"))
    oldest = when(label=_("From"), help_text=_("Empty: as far back as it goes."))
    latest = when(label=_("Until"))
    field_order = ["kind", "oldest", "latest", "wait"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        kinds = logs.kinds(self.station.ocpp_version or "1.6")
        self.fields["kind"].choices = [(kind.value, kind.label) for kind in kinds]

    def act(self, by) -> LogRequest:
        data = self.cleaned_data
        return logs.request(
            station=self.station,
            kind=data["kind"],
            oldest=data["oldest"],
            latest=data["latest"],
            by=by,
            keep_for=self.keep_for,
        )


class OperatorForm(ActionForm):
    """Something of a whole operator; who works for one is not asked for which."""

    permission = "manage_stations"
    operator = forms.ModelChoiceField(Operator.objects.none(), label=_("Operator"), empty_label=None)

    def __init__(self, *args, access: Access, **kwargs):
        super().__init__(*args, **kwargs)
        self.access = access
        mine = Operator.objects.filter(access.operators(self.permission, "")).order_by("name")
        self.fields["operator"].queryset = mine
        if len(mine) == 1:
            self.fields["operator"].widget = forms.HiddenInput()
            self.initial["operator"] = mine[0].pk


class NewImage(OperatorForm):
    vendor = forms.CharField(
        label=_("Maker"), max_length=60, help_text=_("As its chargers say it when they boot.")
    )
    model_pattern = forms.CharField(
        label=_("Model"), max_length=60, initial="*", help_text=_("* stands for any letters: AC-22*.")
    )
    version = forms.CharField(
        label=_("Version"),
        max_length=60,
        help_text=_("Exactly what the charger calls itself once it runs; that decides whether it worked."),
    )
    file = forms.FileField(label=_("File"), required=False)
    url = forms.URLField(
        label=_("Or the maker's address of it"),
        required=False,
        max_length=512,
        assume_scheme="https",
        help_text=_("https only; chargers fetch it there."),
    )
    md5 = forms.RegexField(
        r"\A[0-9a-fA-F]{32}\Z",
        label=_("MD5 checksum"),
        required=False,
        help_text=_("Of a file that lies elsewhere; local controllers need it."),
    )
    signing_certificate = forms.CharField(
        label=_("Signing certificate"),
        required=False,
        max_length=5500,
        widget=forms.Textarea({"rows": 4, "class": "mono", "spellcheck": "false"}),
        help_text=_("PEM, from the maker, for signed updates."),
    )
    signature = forms.CharField(
        label=_("Signature"),
        required=False,
        widget=forms.Textarea({"rows": 2, "class": "mono", "spellcheck": "false"}),
        help_text=_("Base64, from the maker."),
    )
    notes = forms.CharField(label=_("Notes"), required=False, max_length=500)

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file and file.size > settings.FIRMWARE_MAX_MB * 1024 * 1024:
            raise forms.ValidationError(_g("At most %s MB.") % settings.FIRMWARE_MAX_MB)
        return file

    def act(self, by):
        data = dict(self.cleaned_data)
        return images.add(upload=data.pop("file") or None, by=by, **data)


class NewCampaign(ActionForm):
    permission = "manage_stations"
    image = ImageField(FirmwareImage.objects.none(), label=_("Firmware"), empty_label=None)
    sites = forms.ModelMultipleChoiceField(
        Site.objects.none(), label=_("Sites"), required=False, help_text=_("None chosen: all of them.")
    )
    model = forms.CharField(
        label=_("Model"), max_length=60, required=False, help_text=_("Empty: every model the firmware fits.")
    )
    version = forms.CharField(
        label=_("Running now"), max_length=60, required=False, help_text=_("Empty: any other version.")
    )
    name = forms.CharField(label=_("Name"), max_length=100, required=False)
    starts_at = when(label=_("Start"), help_text=_("Empty: at once."))
    wave_size = forms.IntegerField(
        label=_("Chargers at a time"),
        initial=10,
        validators=[MinValueValidator(1), MaxValueValidator(10_000)],
    )
    wave_percent = forms.IntegerField(
        label=_("Or a share of them, in %"),
        required=False,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
    )
    pause_minutes = forms.IntegerField(
        label=_("Minutes between two waves"),
        initial=15,
        validators=[MinValueValidator(0), MaxValueValidator(10_080)],
    )
    stop_percent = forms.IntegerField(
        label=_("Stop when more than this share failed, in %"),
        initial=10,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )
    busy = forms.ChoiceField(label=_("Where somebody charges"), choices=Campaign.Busy.choices)

    def __init__(self, *args, access: Access, **kwargs):
        super().__init__(*args, **kwargs)
        self.access = access
        images_ = FirmwareImage.objects.visible_to(access, self.permission).filter(is_retired=False)
        self.fields["image"].queryset = images_.order_by("vendor", "model_pattern", "-pk")
        self.fields["sites"].queryset = Site.objects.visible_to(access, self.permission).order_by("name")

    def stations(self) -> list[Station]:
        """Whom it would reach; the form must be valid."""
        data = self.cleaned_data
        return campaigns.stations_for(
            image=data["image"],
            access=self.access,
            sites=list(data["sites"]),
            model=data["model"],
            version=data["version"],
        )

    def act(self, by) -> Campaign:
        data = {
            name: value
            for name, value in self.cleaned_data.items()
            if name not in ("sites", "model", "version")
        }
        return campaigns.create(stations=self.stations(), by=by, **data)


class AskCustomer(ActionForm):
    """A driver by e-mail: every 2.x charger where they charged is asked."""

    email = forms.EmailField(label=_("Driver's e-mail"))
    what = forms.ChoiceField(
        label=_("What the chargers are to do"),
        choices=[
            ("report", _("Tell what they keep about them")),
            ("clear", _("Forget them")),
        ],
        widget=forms.RadioSelect,
        initial="report",
    )

    def __init__(self, *args, access: Access, **kwargs):
        super().__init__(*args, **kwargs)
        self.access = access

    def act(self, by) -> int:
        data = self.cleaned_data
        person = User.objects.filter(email__iexact=data["email"]).first()
        action = customer_information.clear if data["what"] == "clear" else customer_information.report
        asked = action(user=person, access=self.access, by=by) if person else []
        if not asked:
            # Whether somebody has an account is nobody's to find out here.
            raise Refused(_g("This driver has charged at no charger of OCPP 2.x of yours."))
        return len(asked)

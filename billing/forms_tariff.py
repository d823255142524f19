"""Forms of the tariff editor: plain prices and a week of hours, where tariffs apply, groups, holidays."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from billing import groups
from billing.models import HolidayCalendar, PriceGroup, Tariff
from billing.pricing import Day, Dimension, Finding, TariffError, TaxIncluded, Waiver, plain
from billing.pricing import Tariff as Prices
from evportal.accounts.models import Operator
from evportal.widgets import Select
from stations.models import Evse, Site

HOURS = [(hour, f"{hour:02}:00") for hour in range(24)]
DAY_NAMES = [
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
]
#: Prices that the form has rows for when a tariff has fewer.
USUAL_RATES = 3
WEEK = 7 * 24


def _amount(label, **more) -> forms.DecimalField:
    return forms.DecimalField(
        label=label, required=False, min_value=0, max_digits=12, decimal_places=6, localize=False, **more
    )


def _minutes(label, **more) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=0, max_value=100_000, **more)


def _moment(label, **more) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(
        label=label,
        required=False,
        widget=widget,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
        **more,
    )


class AtPlace:
    """Fields with a moment read it by the clock of the operator's books."""

    zone: ZoneInfo

    def _local(self, value: datetime | None) -> datetime | None:
        return value and value.replace(tzinfo=self.zone)


def _per_minute(per_hour: Decimal | None) -> Decimal | None:
    if per_hour is None:
        return None
    return Decimal(plain_number((per_hour / 60).quantize(Decimal("0.000001"))))


def plain_number(number: Decimal | None) -> str:
    if number is None:
        return ""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class PlainForm(AtPlace, forms.Form):
    """What most tariffs need, as fields; `plain()` has them as values."""

    tax_included = forms.ChoiceField(
        label=_("Prices are"),
        choices=[("YES", _("with tax")), ("NO", _("before tax")), ("N/A", _("without tax: none applies"))],
    )
    vat = forms.DecimalField(
        label=_("VAT, %"), required=False, min_value=0, max_value=100, max_digits=5, decimal_places=2
    )
    week = forms.CharField(widget=forms.HiddenInput, required=False, max_length=WEEK)
    start_fee = _amount(_("Start fee"))
    waive_below_kwh = _amount(_("Not charged below, kWh"), help_text=_("A charge that came to nothing."))
    waive_from_kwh = _amount(_("Not charged from, kWh"))
    waive_within_minutes = _minutes(_("Not charged when over within, minutes"))
    free_minutes = _minutes(_("Free minutes"), help_text=_("Time costs nothing in the first minutes."))
    idle_minute = _amount(_("Idle fee per minute"), help_text=_("Plugged in and no longer charging."))
    idle_grace_minutes = _minutes(_("Grace before it, minutes"))
    idle_from = forms.TypedChoiceField(
        label=_("Idle fee from"), choices=HOURS, coerce=int, required=False, empty_value=0
    )
    idle_until = forms.TypedChoiceField(
        label=_("Idle fee until"),
        choices=HOURS,
        coerce=int,
        required=False,
        empty_value=0,
        help_text=_("The same hour twice: all day."),
    )
    min_price = _amount(_("A session costs at least"))
    max_price = _amount(_("A session costs at most"))
    holidays = forms.CharField(
        label=_("Holidays"),
        required=False,
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Days like 2026-12-25, one a line."),
    )
    calendar = forms.ModelChoiceField(
        label=_("Add the days of a calendar"), queryset=HolidayCalendar.objects.none(), required=False
    )
    holidays_as = forms.ChoiceField(
        label=_("Holidays are priced as"),
        required=False,
        choices=[
            ("", _("the day that they fall on")),
            *zip([day.value for day in Day], DAY_NAMES, strict=True),
        ],
    )
    holiday_kwh = _amount(_("On holidays, per kWh"))
    holiday_minute = _amount(_("On holidays, per minute while charging"))
    valid_from = _moment(_("Valid from"), help_text=_("Empty: from when it is published."))

    def __init__(self, *args, operator: Operator, zone: ZoneInfo, prices: Prices, **kwargs):
        super().__init__(*args, **kwargs)
        self.zone, self.prices = zone, prices
        self.fields["calendar"].queryset = HolidayCalendar.objects.filter(operator=operator)
        try:
            self.before: plain.Plain | None = plain.of(prices)
        except plain.NotPlain:
            self.before = None
        rows = max(USUAL_RATES, len(self.before.rates) + 1 if self.before else 0)
        self.letters = plain.LETTERS[: min(rows, len(plain.LETTERS))]
        for letter in self.letters:
            self.fields[f"kwh_{letter}"] = _amount(_("Price %(letter)s per kWh") % {"letter": letter})
            self.fields[f"minute_{letter}"] = _amount(
                _("Price %(letter)s per minute while charging") % {"letter": letter}
            )
        known = dict(groups.choices(operator))
        named = {each.group: each.group for each in self.before.groups} if self.before else {}
        #: Those that the tariff names come first, in its order: the first one decides.
        names = [*named, *(name for name in known if name not in named)]
        self.groups = [(name, known.get(name, name)) for name in names]
        for number, (_name, label) in enumerate(self.groups):
            prefix = f"group{number}"
            self.fields[f"{prefix}_kwh"] = _amount(_("%(group)s: per kWh") % {"group": label})
            self.fields[f"{prefix}_minute"] = _amount(
                _("%(group)s: per minute while charging") % {"group": label}
            )
            self.fields[f"{prefix}_discount"] = forms.DecimalField(
                label=_("%(group)s: discount, %%") % {"group": label},
                required=False,
                min_value=0,
                max_value=100,
                max_digits=5,
                decimal_places=2,
            )
            self.fields[f"{prefix}_free"] = _minutes(_("%(group)s: free minutes") % {"group": label})
            self.fields[f"{prefix}_no_fee"] = forms.BooleanField(
                label=_("%(group)s: no start fee") % {"group": label}, required=False
            )

    def rate_rows(self) -> list[tuple]:
        return [(letter, self[f"kwh_{letter}"], self[f"minute_{letter}"]) for letter in self.letters]

    def group_rows(self) -> list[tuple]:
        names = ("kwh", "minute", "discount", "free", "no_fee")
        return [
            (label, [self[f"group{number}_{name}"] for name in names])
            for number, (_key, label) in enumerate(self.groups)
        ]

    @classmethod
    def initial_of(cls, before: plain.Plain, names: Iterable[str]) -> dict:
        """What the form begins with; `names` are its groups, in order."""
        found = {
            "tax_included": before.tax_included.value,
            "vat": plain_number(before.vat),
            "week": before.week,
            "start_fee": plain_number(before.start_fee),
            "waive_below_kwh": plain_number(before.waiver.below_kwh),
            "waive_from_kwh": plain_number(before.waiver.from_kwh),
            "waive_within_minutes": before.waiver.within_minutes,
            "free_minutes": before.free_minutes,
            "idle_minute": plain_number(_per_minute(before.idle_hour)),
            "idle_grace_minutes": before.idle_grace_minutes,
            "idle_from": before.idle_from,
            "idle_until": before.idle_until,
            "min_price": plain_number(before.min_price),
            "max_price": plain_number(before.max_price),
            "holidays": "\n".join(day.isoformat() for day in before.holidays),
            "holidays_as": before.holidays_as.value if before.holidays_as else "",
        }
        if before.holiday_rate is not None:
            found["holiday_kwh"] = plain_number(before.holiday_rate.kwh)
            found["holiday_minute"] = plain_number(_per_minute(before.holiday_rate.hour))
        for letter, rate in zip(plain.LETTERS, before.rates, strict=False):
            found[f"kwh_{letter}"] = plain_number(rate.kwh)
            found[f"minute_{letter}"] = plain_number(_per_minute(rate.hour))
        of = {each.group: each for each in before.groups}
        for number, name in enumerate(names):
            if name in of:
                prefix, each = f"group{number}", of[name]
                found |= {
                    f"{prefix}_kwh": plain_number(each.rate.kwh),
                    f"{prefix}_minute": plain_number(_per_minute(each.rate.hour)),
                    f"{prefix}_discount": plain_number(each.discount_percent),
                    f"{prefix}_free": each.free_minutes,
                    f"{prefix}_no_fee": each.no_start_fee,
                }
        return found

    def clean_week(self) -> str:
        week = self.cleaned_data["week"] or "A" * WEEK
        if len(week) != WEEK or set(week) - set(plain.LETTERS):
            raise forms.ValidationError(_("The week has 168 hours, each with the letter of a price."))
        return week

    def clean_holidays(self) -> tuple[date, ...]:
        days = set()
        for line in self.cleaned_data["holidays"].split():
            try:
                days.add(date.fromisoformat(line))
            except ValueError:
                raise forms.ValidationError(
                    _("“%(day)s” is not a day like 2026-12-25."), params={"day": line[:40]}
                ) from None
        return tuple(sorted(days))

    def clean_valid_from(self) -> datetime | None:
        return self._local(self.cleaned_data["valid_from"])

    def clean(self):
        cleaned = super().clean()
        for letter in sorted(set(cleaned.get("week") or "A")):
            rate = self._rate(f"kwh_{letter}", f"minute_{letter}")
            if letter not in self.letters or (letter != "A" and rate == plain.Rate()):
                self.add_error(
                    f"kwh_{letter}" if letter in self.letters else None,
                    _("The week uses price %(letter)s, which says nothing.") % {"letter": letter},
                )
        calendar, days = cleaned.get("calendar"), cleaned.get("holidays")
        if calendar is not None and days is not None:
            cleaned["holidays"] = tuple(sorted({*days, *map(date.fromisoformat, calendar.days)}))
        return cleaned

    def _rate(self, kwh: str, minute: str) -> plain.Rate:
        per_minute = self.cleaned_data.get(minute)
        return plain.Rate(self.cleaned_data.get(kwh), None if per_minute is None else per_minute * 60)

    def plain(self) -> plain.Plain:
        """The form's values; only what is valid is asked for."""
        get = self.cleaned_data.get
        used = max(get("week"))
        letters = plain.LETTERS[: plain.LETTERS.index(used) + 1]
        idle = get("idle_minute")
        holiday_rate = self._rate("holiday_kwh", "holiday_minute")
        return plain.Plain(
            tax_included=TaxIncluded(get("tax_included")),
            vat=get("vat"),
            rates=tuple(self._rate(f"kwh_{letter}", f"minute_{letter}") for letter in letters),
            week=get("week"),
            start_fee=get("start_fee"),
            waiver=Waiver(get("waive_below_kwh"), get("waive_from_kwh"), get("waive_within_minutes")),
            idle_hour=None if idle is None else idle * 60,
            idle_from=get("idle_from") if idle is not None else 0,
            idle_until=get("idle_until") if idle is not None else 0,
            idle_grace_minutes=get("idle_grace_minutes"),
            free_minutes=get("free_minutes"),
            min_price=get("min_price"),
            max_price=get("max_price"),
            holidays=get("holidays"),
            holidays_as=Day(get("holidays_as")) if get("holidays_as") else None,
            holiday_rate=holiday_rate if holiday_rate != plain.Rate() else None,
            groups=tuple(each for number in range(len(self.groups)) if (each := self._group(number))),
        )

    def _group(self, number: int) -> plain.Group | None:
        prefix, get = f"group{number}", self.cleaned_data.get
        name = self.groups[number][0]
        found = plain.Group(
            name,
            self._rate(f"{prefix}_kwh", f"{prefix}_minute"),
            get(f"{prefix}_discount"),
            bool(get(f"{prefix}_no_fee")),
            get(f"{prefix}_free"),
        )
        return found if found != plain.Group(name) else None

    def document(self) -> Prices:
        """The tariff with what the form says."""
        wanted = self.plain()
        if self.before is not None:
            wanted = _as_before(wanted, self.before)
        return plain.to_tariff(wanted, self.prices)


def _as_before(wanted: plain.Plain, before: plain.Plain) -> plain.Plain:
    """What the form has rounded, and nobody changed, is as it was."""

    def hour(new: Decimal | None, old: Decimal | None) -> Decimal | None:
        return old if new is not None and old is not None and _per_minute(old) == new / 60 else new

    rates = tuple(
        replace(rate, hour=hour(rate.hour, before.rates[index].hour)) if index < len(before.rates) else rate
        for index, rate in enumerate(wanted.rates)
    )
    return replace(wanted, rates=rates, idle_hour=hour(wanted.idle_hour, before.idle_hour))


class PaintForm(forms.Form):
    """Sets hours of the week without a script."""

    letter = forms.ChoiceField(label=_("Price"), choices=[(each, each) for each in plain.LETTERS])
    days = forms.TypedMultipleChoiceField(
        label=_("Days"), choices=list(enumerate(DAY_NAMES)), coerce=int, widget=forms.CheckboxSelectMultiple
    )
    begin = forms.TypedChoiceField(label=_("From"), choices=HOURS, coerce=int)
    end = forms.TypedChoiceField(label=_("Until"), choices=[*HOURS[1:], (24, "24:00")], coerce=int)

    def painted(self, week: str) -> str:
        """The week with these hours set; until before from goes over midnight of the same days."""
        letter, begin, end = (self.cleaned_data[name] for name in ("letter", "begin", "end"))
        hours = range(begin, end) if begin < end else [*range(begin, 24), *range(end)]
        cells = list(week)
        for day in self.cleaned_data["days"]:
            for hour in hours:
                cells[day * 24 + hour] = letter
        return "".join(cells)


class Document(forms.JSONField):
    """JSON as people read it."""

    def prepare_value(self, value):
        if isinstance(value, dict):
            return json.dumps(value, indent=2, ensure_ascii=False)
        return super().prepare_value(value)


class OcpiForm(AtPlace, forms.Form):
    """The whole tariff as OCPI's JSON."""

    ocpi = Document(
        label=_("OCPI 2.3.0 tariff object"),
        widget=forms.Textarea(attrs={"rows": 18, "class": "mono", "spellcheck": "false"}),
    )
    valid_from = _moment(_("Valid from"), help_text=_("Empty: from when it is published."))

    def __init__(self, *args, zone: ZoneInfo, **kwargs):
        super().__init__(*args, **kwargs)
        self.zone = zone

    def clean_ocpi(self) -> dict:
        document = self.cleaned_data["ocpi"]
        if "\x00" in str(document):
            raise forms.ValidationError(_("There is a NUL character in it."))
        try:
            Prices.from_ocpi(document)
        except TariffError as error:
            raise forms.ValidationError(str(error)) from None
        return document

    def clean_valid_from(self) -> datetime | None:
        return self._local(self.cleaned_data["valid_from"])


class NewTariffForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120)
    like = forms.ModelChoiceField(
        label=_("Begin with the prices of"),
        queryset=Tariff.objects.none(),
        required=False,
        empty_label=_("none"),
    )

    def __init__(self, *args, operator: Operator, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["like"].queryset = Tariff.objects.filter(operator=operator)


class AssignForm(AtPlace, forms.Form):
    site = forms.ModelChoiceField(label=_("Site"), queryset=Site.objects.none(), widget=Select)
    evse = forms.ModelChoiceField(
        label=_("One charge point"),
        queryset=Evse.objects.none(),
        required=False,
        empty_label=_("all without a tariff of their own"),
    )
    valid_from = _moment(_("From"), help_text=_("Empty: from now on."))

    def __init__(self, *args, operator: Operator, zone: ZoneInfo, **kwargs):
        super().__init__(*args, **kwargs)
        self.zone = zone
        self.fields["site"].queryset = Site.objects.filter(operator=operator)
        self.fields["evse"].queryset = Evse.objects.filter(station__site__operator=operator).select_related(
            "station__site"
        )

    def clean_valid_from(self) -> datetime | None:
        return self._local(self.cleaned_data["valid_from"])


class GroupForm(forms.ModelForm):
    class Meta:
        model = PriceGroup
        fields = ["name", "key"]


class MemberForm(forms.Form):
    """One driver by address, or a whole fleet."""

    email = forms.EmailField(label=_("A driver's e-mail address"), required=False)
    account = forms.ModelChoiceField(label=_("Or all drivers of a fleet"), queryset=None, required=False)

    def __init__(self, *args, fleets, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = fleets

    def clean(self):
        cleaned = super().clean()
        if bool(cleaned.get("email")) == bool(cleaned.get("account")) and not self.errors:
            raise forms.ValidationError(_("Name either a driver or a fleet."))
        return cleaned


class CalendarForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=80)
    days = forms.CharField(
        label=_("Days"),
        max_length=8000,
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text=_("Days like 2026-12-25, one a line."),
    )

    def clean_days(self) -> list[str]:
        days = set()
        for line in self.cleaned_data["days"].split():
            try:
                days.add(date.fromisoformat(line).isoformat())
            except ValueError:
                raise forms.ValidationError(
                    _("“%(day)s” is not a day like 2026-12-25."), params={"day": line[:40]}
                ) from None
        return sorted(days)


#: Which field of the form a finding is about, by what its element prices.
_FIELD_OF = {
    Dimension.FLAT: "start_fee",
    Dimension.PARKING_TIME: "idle_minute",
    Dimension.TIME: "minute_A",
    Dimension.ENERGY: "kwh_A",
}


def field_of(finding: Finding, prices: Prices) -> str:
    """The name of the form's field beside which a finding is shown; "" for the tariff as a whole."""
    if finding.code.startswith("tax"):
        return "vat"
    if finding.path.startswith("evportal.holidays"):
        return "holidays"
    if finding.path.startswith("min_price"):
        return "min_price"
    if finding.path.startswith("elements["):
        index, _dot, rest = finding.path.removeprefix("elements[").partition("]")
        element = prices.elements[int(index)]
        place = rest.removeprefix(".price_components[").partition("]")[0]
        if place.isdigit():
            return _FIELD_OF[element.price_components[int(place)].type]
    return "week"

"""The settings of a site's load: one form for the site, a row for each group and each EVSE."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from monitoring.load import tree
from monitoring.load.actions import GroupWish, MemberWish, Settings
from monitoring.load.models import LoadMember, LoadSite
from stations.models import Evse, Site

#: Empty rows for groups to come.
MORE_GROUPS = 2
ZERO = Decimal(0)


def _amps(label, **kwargs) -> forms.DecimalField:
    return forms.DecimalField(label=label, max_digits=6, decimal_places=1, max_value=tree.MOST, **kwargs)


class SiteForm(forms.ModelForm):
    class Meta:
        model = LoadSite
        fields = [
            "mode",
            "margin_percent",
            "takes_turns",
            "booked_a",
            "reserves_booked",
            "has_meter",
            "building_safe_l1",
            "building_safe_l2",
            "building_safe_l3",
            "meter_stale_s",
        ]
        labels = {
            "mode": _("How it is shared"),
            "margin_percent": _("Margin (%)"),
            "takes_turns": _("Cars may take turns"),
            "booked_a": _("Promised to booked places (A)"),
            "reserves_booked": _("Keep it before the car has come"),
            "has_meter": _("A meter tells what the building draws"),
            "building_safe_l1": _("Building on L1 while its meter is silent (A)"),
            "building_safe_l2": _("Building on L2 while its meter is silent (A)"),
            "building_safe_l3": _("Building on L3 while its meter is silent (A)"),
            "meter_stale_s": _("Silent after (seconds)"),
        }


class GroupForm(forms.Form):
    name = forms.CharField(label=_("Group"), max_length=60, required=False)
    parent = forms.CharField(label=_("In"), max_length=60, required=False)
    limit_l1 = _amps(_("L1 (A)"), required=False)
    limit_l2 = _amps(_("L2 (A)"), required=False)
    limit_l3 = _amps(_("L3 (A)"), required=False)

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("name"):
            for field in ("limit_l1", "limit_l2", "limit_l3"):
                if cleaned.get(field) is None and field not in self.errors:
                    self.add_error(field, _("Say how many amperes, 0 for none."))
        return cleaned


class MemberForm(forms.Form):
    evse = forms.IntegerField(widget=forms.HiddenInput)
    group = forms.CharField(label=_("Group"), max_length=60, required=False)
    safe_default_a = _amps(_("Safe default (A)"))
    priority = forms.TypedChoiceField(label=_("Priority"), coerce=int, choices=LoadMember.Priority.choices)
    rotation = forms.ChoiceField(label=_("Phases"), choices=LoadMember.Rotation.choices)


Groups = forms.formset_factory(GroupForm, extra=0, max_num=100, absolute_max=120, validate_max=True)
Members = forms.formset_factory(MemberForm, extra=0, max_num=1000, absolute_max=1100, validate_max=True)


class SettingsForm:
    """The three together; `settings` once it is valid."""

    def __init__(self, site: Site, data=None):
        self.site = site
        self.load_site = LoadSite.objects.filter(site=site).first()
        self.evses = list(
            Evse.objects.filter(station__site=site)
            .select_related("station__site", "load__group")
            .prefetch_related("connectors")
            .order_by("station__name", "station_id", "number")
        )
        self.form = SiteForm(data, instance=self.load_site or LoadSite(site=site))
        self.groups = Groups(data, initial=self._groups(), prefix="groups")
        self.members = Members(data, initial=self._members(), prefix="members")
        self.problems: list = []
        for form, evse in zip(self.members.forms, self.evses, strict=False):
            form.place = f"{evse.station.name} / {evse.number}"
            form.about = evse.public_id

    @property
    def names(self) -> list[str]:
        return [one["name"] for one in self._groups() if one.get("name")]

    def _groups(self) -> list[dict]:
        known = list(self.load_site.groups.select_related("parent")) if self.load_site else []
        rows = [
            {
                "name": group.name,
                "parent": group.parent.name if group.parent else "",
                "limit_l1": group.limit_l1,
                "limit_l2": group.limit_l2,
                "limit_l3": group.limit_l3,
            }
            for group in sorted(known, key=lambda group: (group.parent_id is not None, group.pk))
        ]
        if not rows:
            per_phase = Decimal((self.site.grid_limit_w or 0) // 690)
            rows = [
                {
                    "name": str(_("Grid connection")),
                    "limit_l1": per_phase or None,
                    "limit_l2": per_phase or None,
                    "limit_l3": per_phase or None,
                }
            ]
        return rows + [{}] * MORE_GROUPS

    def _members(self) -> list[dict]:
        first = self.names[0]
        rows = []
        for evse in self.evses:
            member = getattr(evse, "load", None)
            rows.append(
                {
                    "evse": evse.pk,
                    "group": member.group.name if member else ("" if self.load_site else first),
                    "safe_default_a": member.safe_default_a if member else Decimal(6),
                    "priority": member.priority if member else LoadMember.Priority.NORMAL,
                    "rotation": member.rotation if member else LoadMember.Rotation.RST,
                }
            )
        return rows

    def is_valid(self) -> bool:
        # All of them, so that a person sees everything at once.
        fine = [self.form.is_valid(), self.groups.is_valid(), self.members.is_valid()]
        known = {evse.pk for evse in self.evses}
        if all(fine) and any(one.get("evse") not in known for one in self.members.cleaned_data):
            self.problems.append(_("A charger of this list is gone. Open the page again."))
            return False
        return all(fine)

    @property
    def errors(self) -> list[tuple[str, str]]:
        """(id of the field, what is wrong) of everything, for the summary."""
        found = [("", str(problem)) for problem in self.problems]
        for formset in (self.groups, self.members):
            found += [("", str(error)) for error in formset.non_form_errors()]
        for form in [self.form, *self.groups.forms, *self.members.forms]:
            place = getattr(form, "place", "")
            for name, errors in form.errors.items():
                field = form[name] if name in form.fields else None
                label = " ".join(filter(None, [place, str(field.label) if field else ""]))
                found += [(field.id_for_label if field else "", f"{label}: {error}") for error in errors]
        return found

    def settings(self) -> Settings:
        data = self.form.cleaned_data
        by_pk = {evse.pk: evse for evse in self.evses}
        return Settings(
            groups=[
                GroupWish(
                    one["name"].strip(),
                    (one["limit_l1"], one["limit_l2"], one["limit_l3"]),
                    one["parent"].strip(),
                )
                for one in self.groups.cleaned_data
                if one.get("name")
            ],
            members=[
                MemberWish(
                    by_pk[one["evse"]],
                    one["group"].strip(),
                    one["safe_default_a"],
                    one["priority"],
                    one["rotation"],
                )
                for one in self.members.cleaned_data
                if one["group"].strip()
            ],
            mode=data["mode"],
            margin_percent=data["margin_percent"],
            takes_turns=data["takes_turns"],
            booked_a=data["booked_a"],
            reserves_booked=data["reserves_booked"],
            has_meter=data["has_meter"],
            building_safe=(data["building_safe_l1"], data["building_safe_l2"], data["building_safe_l3"]),
            meter_stale_s=data["meter_stale_s"],
        )


class TryForm(forms.Form):
    """What would happen with another limit."""

    limit = _amps(_("Try a limit of"), min_value=ZERO, required=False)

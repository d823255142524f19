"""What operators do about one charger's certificates."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _g
from django.utils.translation import gettext_lazy as _

from monitoring.verbs.base import ChargerForm
from stations import commands
from stations.certificates import installed, issuing, roots
from stations.exceptions import ChargerOffline
from stations.models import CertificateUse, Command, InstalledCertificate, RootKind
from stations.ocpp import spelling_certificates as spelling


class CertificateForm(ChargerForm):
    def send(self) -> Command:
        self.station.refresh_from_db(fields=["connection", "node", "ocpp_version"])
        if not self.station.is_online:
            raise ChargerOffline
        return self.send_now()

    def send_now(self) -> Command:
        raise NotImplementedError


class Renew(CertificateForm):
    verb, title, submit = "renew-certificate", _("Renew a certificate"), _("Ask for the request")
    question = _("It makes a new key and asks the portal to certify it; the old one stays till then.")
    use = forms.ChoiceField(label=_("Certificate"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        known = spelling.uses(self.station.ocpp_version)
        self.fields["use"].choices = [(use, CertificateUse(use).label) for use in known]

    def send_now(self) -> Command:
        return issuing.ask(station=self.station, use=self.cleaned_data["use"], by=self.user)


class Read(CertificateForm):
    verb, title, submit = "read-certificates", _("Read the installed certificates"), _("Read")
    question = _("The charger lists the roots that it trusts.")

    def send_now(self) -> Command:
        return installed.read(station=self.station, by=self.user)


class Install(CertificateForm):
    verb, title, submit = "install-root", _("Install a root"), _("Install")
    question = _("The charger will trust what this root has signed.")
    root = forms.ChoiceField(
        label=_("Root"), help_text=_("Your operator's and the portal's own, as far as it takes them.")
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        kinds = spelling.root_kinds(self.station.ocpp_version)
        self.found = {
            key: (kind, pem) for key, kind, _name, pem in roots.choices(self.station.site.operator, kinds)
        }
        self.fields["root"].choices = [
            (key, f"{RootKind(kind).label}: {name}")
            for key, kind, name, _pem in roots.choices(self.station.site.operator, kinds)
        ]

    def send_now(self) -> Command:
        kind, pem = self.found[self.cleaned_data["root"]]
        return installed.install(station=self.station, kind=kind, pem=pem, by=self.user)


class InstalledField(forms.ModelChoiceField):
    def label_from_instance(self, row: InstalledCertificate) -> str:
        return name_of(row)


def name_of(row: InstalledCertificate) -> str:
    kind = RootKind(row.kind).label if row.kind in RootKind.values else row.kind
    return _g("%(kind)s %(serial)s…") % {"kind": kind, "serial": row.serial_number[:12]}


class Delete(CertificateForm):
    verb, title, submit, danger = "delete-certificate", _("Delete a certificate"), _("Delete it"), True
    question = _("The charger forgets it and trusts nothing any more that only it has signed.")
    certificate = InstalledField(
        InstalledCertificate.objects.none(), label=_("Certificate"), empty_label=None
    )
    sure = forms.BooleanField(
        label=_("I know that the charger may not find back to the portal"), required=False
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        mine = InstalledCertificate.objects.filter(station=self.station, is_child=False)
        self.fields["certificate"].queryset = mine
        self.roots = [row for row in mine if installed.is_last_portal_root(row)]
        if not self.roots:
            del self.fields["sure"]

    def consequences(self) -> list[str]:
        warnings = [
            _g("%s is the only root by which it knows this portal: without it, it may not connect.") % name
            for name in map(name_of, self.roots)
        ]
        return [*super().consequences(), *warnings]

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("certificate") in self.roots and not cleaned.get("sure"):
            self.add_error("sure", _g("Say that you know it, or choose another certificate."))
        return cleaned

    def send_now(self) -> Command:
        return installed.delete(row=self.cleaned_data["certificate"], by=self.user)


class NameOrganisation(CertificateForm):
    verb, title, submit = "name-organisation", _("Set the organisation's name"), _("Set it")
    question = _("The charger names its operator in its requests; the portal signs none that names another.")

    def consequences(self) -> list[str]:
        return [*super().consequences(), _g("Name: %s") % self.station.site.operator.seller_name]

    def send_now(self) -> Command:
        action, payload = spelling.organisation(
            self.station.ocpp_version, self.station.site.operator.seller_name
        )
        return commands.send(station=self.station, action=action, payload=payload, by=self.user)


FORMS = (Renew, Read, Install, Delete, NameOrganisation)

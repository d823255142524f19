"""The driver's own limit: as much of the four as they like, on the charger's page and while charging."""

from __future__ import annotations

from decimal import Decimal

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.limits import Limits
from evportal.money import exponent
from stations.models import Connector, Evse

#: Names in forms and addresses.
PREFIX = "limit"
DC = frozenset(
    {
        Connector.Standard.CCS1,
        Connector.Standard.CCS2,
        Connector.Standard.CHADEMO,
        Connector.Standard.GBT_DC,
        Connector.Standard.NACS,
    }
)


class LimitForm(forms.Form):
    kwh = forms.DecimalField(
        label=_("Energy, kWh"), required=False, min_value=Decimal("0.5"), max_value=1000, decimal_places=1
    )
    money = forms.DecimalField(label=_("Amount"), required=False, min_value=1, max_value=999_999)
    minutes = forms.IntegerField(label=_("Time, minutes"), required=False, min_value=5, max_value=2880)
    soc = forms.IntegerField(
        label=_("Battery, %"),
        required=False,
        min_value=5,
        max_value=100,
        help_text=_("For cars that tell the charger; most do where they charge with direct current."),
    )

    def __init__(self, *args, evse: Evse, currency: str, **kwargs):
        kwargs.setdefault("prefix", PREFIX)
        super().__init__(*args, **kwargs)
        self.fields["money"].label = _("Amount, %(currency)s") % {"currency": currency}
        self.currency = currency
        if not any(connector.standard in DC for connector in evse.connectors.all()):
            # A car on alternating current doesn't tell.
            del self.fields["soc"]

    def clean_money(self):
        amount = self.cleaned_data["money"]
        if amount is not None and -amount.normalize().as_tuple().exponent > exponent(self.currency):
            raise forms.ValidationError(_("That is finer than the smallest coin."))
        return amount

    @property
    def wanted(self) -> Limits:
        given = self.cleaned_data
        kwh = given.get("kwh")
        return Limits(
            energy_wh=None if kwh is None else kwh * 1000,
            money=given.get("money"),
            minutes=given.get("minutes"),
            soc_percent=given.get("soc"),
        )


def initial(limits: Limits) -> dict:
    """The limits as the form shows them."""
    return {
        "kwh": None if limits.energy_wh is None else plain(limits.energy_wh / 1000),
        "money": None if limits.money is None else plain(limits.money),
        "minutes": limits.minutes,
        "soc": limits.soc_percent,
    }


def plain(number: Decimal) -> Decimal:
    """Without zeros at its end."""
    return number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()


def given(data) -> dict[str, str]:
    """What was entered, for an address that brings the driver back to their form."""
    return {name: value for name, value in data.items() if name.startswith(f"{PREFIX}-") and value}

"""What chargers' error codes mean, in words a dispatcher can act on."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

#: OCPP 1.6 ChargePointErrorCode (§7.6): what it means, what to do.
CODES = {
    "ConnectorLockFailure": (
        gettext_lazy("The plug could not be locked or unlocked."),
        gettext_lazy(
            "Ask the driver to push the plug in fully; try “Unlock”. If it stays, call a technician."
        ),
    ),
    "EVCommunicationError": (
        gettext_lazy("The charger and the car do not understand each other."),
        gettext_lazy("Ask the driver to plug in again. With other cars as well: restart the charger."),
    ),
    "GroundFailure": (
        gettext_lazy("The ground-fault protection has tripped."),
        gettext_lazy("Take it out of service: an electrician has to check it before anybody charges there."),
    ),
    "HighTemperature": (
        gettext_lazy("It is too hot inside the charger."),
        gettext_lazy(
            "It will offer less power or none until it has cooled. Check fans, filters and sunlight."
        ),
    ),
    "InternalError": (
        gettext_lazy("The charger's own hardware or software failed."),
        gettext_lazy("Restart it. If the error comes back, send its diagnostics to the manufacturer."),
    ),
    "LocalListConflict": (
        gettext_lazy("The charger's list of cards contradicts what the portal answered."),
        gettext_lazy("Send the local list again."),
    ),
    "OtherError": (
        gettext_lazy("The charger reports an error without a code of the standard."),
        gettext_lazy("The manufacturer's code and text below say more."),
    ),
    "OverCurrentFailure": (
        gettext_lazy("The over-current protection has tripped."),
        gettext_lazy("A technician has to find out why before it is switched on again."),
    ),
    "OverVoltage": (
        gettext_lazy("The voltage of the supply is too high."),
        gettext_lazy("If several chargers at the site say so, call the grid operator."),
    ),
    "PowerMeterFailure": (
        gettext_lazy("The meter can't be read."),
        gettext_lazy("Take it out of service: what is charged there can't be billed."),
    ),
    "PowerSwitchFailure": (
        gettext_lazy("The contactor does not switch as it should."),
        gettext_lazy("Take it out of service: a technician has to replace the contactor."),
    ),
    "ReaderFailure": (
        gettext_lazy("The card reader does not work."),
        gettext_lazy("Drivers can still start from the portal. A restart often helps."),
    ),
    "ResetFailure": (
        gettext_lazy("The charger could not restart."),
        gettext_lazy("Try a hard reset, or have the supply switched off and on."),
    ),
    "UnderVoltage": (
        gettext_lazy("The voltage of the supply is too low."),
        gettext_lazy("If several chargers at the site say so, call the grid operator."),
    ),
    "WeakSignal": (
        gettext_lazy("Its mobile connection is weak."),
        gettext_lazy("It may drop out now and then. Check antenna and SIM card."),
    ),
}
#: Codes that mean that nothing is wrong.
FINE = ("", "NoError")


@dataclass(frozen=True)
class Fault:
    """An EVSE's fault for people: meaning, advice, and the charger's own words."""

    meaning: str
    advice: str
    raw: str


def explain(state: str, error_code: str, vendor_error: str = "", info: str = "") -> Fault | None:
    """None where nothing is wrong. An unknown code is shown as it came, with what helps most often."""
    raw = " · ".join(
        part for part in (error_code if error_code not in FINE else "", vendor_error, info) if part
    )
    if error_code in CODES:
        meaning, advice = CODES[error_code]
        return Fault(str(meaning), str(advice), raw)
    if state != "faulted" and error_code in FINE:
        return None
    if error_code in FINE:
        return Fault(
            _("The charger says that it is faulted, but not why."),
            _("Look at its last messages; a restart often helps."),
            raw,
        )
    return Fault(
        _("The charger reports “%s”.") % error_code,
        _("Look it up in the manufacturer's list; try a restart."),
        raw,
    )

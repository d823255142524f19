"""The commands that people give most, each as a form that knows what it interrupts."""

from monitoring.verbs import certificates, energy
from monitoring.verbs.availability import IntoService, OutOfService
from monitoring.verbs.base import ChargerForm
from monitoring.verbs.charging import Ask, Start, Stop
from monitoring.verbs.station import HardReset, SoftReset, Trigger, Unlock

#: By their word in the address; the topics with a page of their own have them together.
VERBS: dict[str, type[ChargerForm]] = {
    form.verb: form
    for form in (
        Start,
        Stop,
        Ask,
        SoftReset,
        HardReset,
        Unlock,
        OutOfService,
        IntoService,
        Trigger,
        *certificates.FORMS,
        *energy.FORMS,
    )
}

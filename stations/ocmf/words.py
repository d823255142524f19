"""Verdicts and reasons in words, for drivers and for the operator's people."""

from django.utils.translation import gettext_lazy as _

from stations.ocmf.judging import INFORMATIVE_TIME, LEARNED_KEY, NEW_KEY, TIME_UNUSABLE, Reason, Verdict

VERDICTS = {
    Verdict.GOOD: _("Verified"),
    Verdict.BAD: _("Wrong signature"),
    Verdict.INCONSISTENT: _("Contradictory"),
    Verdict.UNKNOWN_KEY: _("Public key unknown"),
    Verdict.UNCHECKED: _("Could not be checked"),
    Verdict.MISSING: _("Incomplete"),
}
REASONS = {
    Reason.NONE: "",
    Reason.SIGNATURE: _(
        "A signed meter value does not fit its signature: it was changed, or another meter signed it."
    ),
    Reason.KEY_CHANGED: _("The values are signed with another key than the one known for this meter."),
    Reason.NO_KEY: _("The public key of this meter is not known."),
    Reason.ALGORITHM: _("We have no means to check this kind of signature or key."),
    Reason.FORMAT: _("The values are signed in another format than OCMF."),
    Reason.NO_VALUES: _("The charger signs its meter values, but sent none for this session."),
    Reason.NO_BEGIN: _("The signed value of the start is missing."),
    Reason.NO_END: _("The signed value of the end is missing."),
    Reason.NO_REGISTER: _("The signed values do not say the energy of both the start and the end."),
    Reason.GAP: _("Between the first and the last signed value others are missing."),
    Reason.SAME_PAGE: _("Two different signed values have the same number."),
    Reason.ORDER: _("The signed value of the end was made before that of the start."),
    Reason.OTHER_METER: _("The signed values are from different meters."),
    Reason.OTHER_TRANSACTION: _("The signed values are of different charges."),
    Reason.OTHER_TIME: _("The signed values are from another time than the session."),
    Reason.USED_BEFORE: _("A signed value was sent for another session already."),
    Reason.CONTRADICTION: _("The signed values name different registers for the same moment."),
    Reason.UNSYNCHRONISED: _("The clock of the meter was not set."),
    Reason.METER_STATUS: _("The meter reported an error of its own."),
    Reason.ERROR_FLAG: _("The meter says that its values can't be billed."),
    Reason.BACKWARDS: _("The signed register ran backwards."),
    Reason.DIFFERS: _("The signed energy differs from what the charger reported without a signature."),
}
NOTES = {
    LEARNED_KEY: _("The public key is as the charger told it; nobody has confirmed it."),
    NEW_KEY: _("The charger tells another public key than the one in use; confirm or reject it."),
    INFORMATIVE_TIME: _("The clock of the meter is for information only."),
    TIME_UNUSABLE: _("The meter says that its times can't be billed."),
}

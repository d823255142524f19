"""Refusals about money, each with the sentence that people read."""

from django.utils.translation import gettext_lazy as _

from stations.exceptions import Refused


class PaymentRefused(Refused):
    default = _("That payment is not possible.")


class NoTariff(PaymentRefused):
    default = _("No price is set for this charger yet, so it can't be used. Please tell the operator.")


class NoCard(PaymentRefused):
    default = _("Add a card first: the hold is placed on it.")


class WalletTooLow(PaymentRefused):
    default = _("Your wallet does not have enough for the hold. Top it up, or use a card.")


class CardDeclined(PaymentRefused):
    """The bank said no; `code` is the provider's word for why."""

    default = _("Your bank declined the card. Nothing was charged. Use another card or ask your bank.")

    def __init__(self, message: str = "", *, code: str = "card_declined"):
        super().__init__(message)
        self.code = code


class ProviderDown(PaymentRefused):
    """Whether the step happened is not known: the row stays, and the sweeper finds out."""

    default = _(
        "The payment service does not answer right now. "
        "Nothing is charged twice: we finish or undo this by ourselves."
    )


class ProviderRefused(PaymentRefused):
    """The provider says that this can't be done to this payment; read its state before anything else."""

    default = _("The payment service refused this step.")


class RefundTooHigh(PaymentRefused):
    default = _("That is more than what was charged and not yet refunded.")


class LinesRefused(PaymentRefused):
    default = _("These lines can't be refunded.")


class DocumentRefused(Refused):
    default = _("That can't be done with this document.")


class MonthRefused(Refused):
    default = _("This month can't be closed or reopened.")


class ExportRefused(Refused):
    default = _("This export can't be made.")


class BadSignature(Exception):
    """Somebody else wrote this webhook, or it is too old."""

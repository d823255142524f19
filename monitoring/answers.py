"""What a charger's answer means, in plain words; the protocol's own word is shown beside it. No database."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as noop

ANY = {
    "Rejected": noop("The charger will not do it."),
    "NotSupported": noop("The charger can't do that."),
    "NotImplemented": noop("The charger does not know how to do that."),
    "UnknownVendorId": noop("The charger does not know this maker."),
    "UnknownMessageId": noop("The charger does not know this message of its maker."),
    "RebootRequired": noop("It is stored, and holds after a restart."),
}
BY_ACTION = {
    "UnlockConnector": {
        "Unlocked": noop("The plug is unlocked and can be pulled."),
        "UnlockFailed": noop("The lock did not open. Somebody has to look at it."),
        "NotSupported": noop("This charger can't unlock plugs, or has no such connector."),
        "OngoingAuthorizedTransaction": noop("A charge runs there: stop it first."),
        "UnknownConnector": noop("The charger has no such connector."),
    },
    "Reset": {
        "Scheduled": noop("It restarts as soon as nothing charges there any more."),
        "Rejected": noop("The charger will not restart now."),
    },
    "ChangeAvailability": {
        "Scheduled": noop("As soon as the running charge has ended."),
        "Rejected": noop("The charger will not change its service now."),
    },
    "RemoteStartTransaction": {"Rejected": noop("The charger will not start for this card now.")},
    "RequestStartTransaction": {"Rejected": noop("The charger will not start for this card now.")},
    "RemoteStopTransaction": {"Rejected": noop("The charger has no such session.")},
    "RequestStopTransaction": {"Rejected": noop("The charger has no such session.")},
}


def words(action: str, response: dict | None) -> str:
    """A sentence where there is more to say than the answer's own word."""
    if action == "GetTransactionStatus" and response is not None:
        return transaction(response)
    status = (response or {}).get("status", "")
    found = BY_ACTION.get(action, {}).get(status) or ANY.get(status, "")
    return _(found) if found else ""


def transaction(response: dict) -> str:
    """GetTransactionStatus: `ongoingIndicator` is only there when a session was named."""
    ongoing, waiting = response.get("ongoingIndicator"), response.get("messagesInQueue")
    first = {True: _("It still charges."), False: _("It has ended at the charger.")}.get(ongoing, "")
    second = (
        _("The charger has messages about it that it has not sent yet.")
        if waiting
        else _("The charger has sent all that it knows of it.")
    )
    return f"{first} {second}".strip()

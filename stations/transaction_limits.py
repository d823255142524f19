"""What a 2.1 station is told of a driver's limit (E16, *TransactionLimit*), in its answers.

The limit is billing's, which stands to the right of the stations: it lends us what to say
(`register_teller`). Whether a station keeps to it is its own matter: the portal stops the session anyway.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import transaction

from stations.models import Session

log = logging.getLogger(__name__)

#: (what the station has to be told now, or None; whether the session has a limit at all).
Teller = Callable[[Session], tuple[dict | None, bool]]
_tellers: list[Teller] = []
#: Transactions of which this process knows whether they have a limit. Without one a report needs no look at
#: the database; one that gets its first limit later is stopped by the portal alone.
_has_limit: dict[str, bool] = {}
MOST_REMEMBERED = 20_000


def register_teller(teller: Teller) -> None:
    _tellers[:] = [teller]


def may_have_one(transaction_id: str) -> bool:
    """Whether a report of this transaction is worth a look; yes, as long as we don't know better."""
    return _has_limit.get(transaction_id, True)


def to_tell(session: Session | None, transaction_id: str) -> dict | None:
    """The `transactionLimit` for the answer to a station; None where it has been told already."""
    if session is None or not _tellers:
        return None
    try:
        with transaction.atomic():
            limit, has_one = _tellers[0](session)
    except Exception:
        # Whatever goes wrong with the limit, what the station reports is stored.
        log.exception("The limit of session %s could not be told to its charger", session.pk)
        return None
    if len(_has_limit) >= MOST_REMEMBERED:
        _has_limit.clear()
    if session.is_open:
        _has_limit[transaction_id] = has_one
    else:
        _has_limit.pop(transaction_id, None)
    return limit

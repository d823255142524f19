"""Ask the EU's register (VIES) whether a VAT id is anybody's; named by the setting VAT_REGISTER."""

from __future__ import annotations

import logging

import httpx

URL = "https://ec.europa.eu/taxation_customs/vies/rest-api/ms/{country}/vat/{number}"
TIMEOUT = 10.0

log = logging.getLogger(__name__)


def is_registered(vat_id: str) -> bool | None:
    """Yes, no, or None where the register does not say: it is often down, and knows only the EU."""
    try:
        answer = httpx.get(URL.format(country=vat_id[:2], number=vat_id[2:]), timeout=TIMEOUT)
        answer.raise_for_status()
        said = answer.json().get("isValid")
    except (httpx.HTTPError, ValueError) as error:
        log.warning("The VAT register does not answer: %s", error)
        return None
    return said if isinstance(said, bool) else None

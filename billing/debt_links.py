"""Links to pay a debt that are good without signing in: signed, and good for this debt alone."""

from __future__ import annotations

from django.conf import settings
from django.core import signing
from django.urls import reverse

from billing.models import Cdr, FeeDebt

SALT = "billing.debt"


def token(debt: Cdr | FeeDebt) -> str:
    return signing.dumps([_kind(debt), str(debt.pk)], salt=SALT)


def url(debt: Cdr | FeeDebt) -> str:
    return settings.PUBLIC_URL + reverse("billing:debt", args=[token(debt)])


def debt_of(said: str) -> Cdr | FeeDebt | None:
    """None for what we didn't sign."""
    try:
        kind, pk = signing.loads(said, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    if kind == "cdr":
        rows = Cdr.objects.select_related("session__station__site__operator", "session__evse", "quote")
        return rows.select_related("session__user").filter(pk=pk).first()
    rows = FeeDebt.objects.select_related("operator", "user", "booking__evse__station__site__operator")
    return rows.filter(pk=pk).first()


def _kind(debt: Cdr | FeeDebt) -> str:
    return "cdr" if isinstance(debt, Cdr) else "fee"

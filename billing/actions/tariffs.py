"""Tariffs: what is published stays as it is; new prices are a new version."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Max

from billing import pricing
from billing.exceptions import PaymentRefused
from billing.models import Tariff, TariffAssignment, TariffVersion
from evportal.accounts.models import Operator, User
from stations.models import Evse, Site


class WrongOperator(PaymentRefused):
    default = "A tariff can only be used at its own operator's sites."


@transaction.atomic
def create_tariff(
    *, operator: Operator, name: str, ocpi: dict, valid_from: datetime, by: User | None
) -> Tariff:
    """A new tariff with its first version; raises `pricing.TariffError` where the document can't be read."""
    tariff = Tariff.objects.create(operator=operator, name=name)
    publish(tariff=tariff, ocpi=ocpi, valid_from=valid_from, by=by)
    return tariff


@transaction.atomic
def publish(*, tariff: Tariff, ocpi: dict, valid_from: datetime, by: User | None) -> TariffVersion:
    """The next version, in force from `valid_from`; what was quoted before keeps to the version it names."""
    pricing.Tariff.from_ocpi(ocpi)
    # One after the other, so that two never take the same number.
    Tariff.objects.select_for_update().get(pk=tariff.pk)
    last = tariff.versions.aggregate(last=Max("number"))["last"] or 0
    return TariffVersion.objects.create(
        tariff=tariff, number=last + 1, valid_from=valid_from, ocpi=ocpi, created_by=by
    )


@transaction.atomic
def assign(*, tariff: Tariff, site: Site, evse: Evse | None = None) -> TariffAssignment:
    """Use the tariff at the site, or at one of its EVSEs alone, instead of the one used there now."""
    if site.operator_id != tariff.operator_id:
        raise WrongOperator
    row, _is_new = TariffAssignment.objects.update_or_create(
        site=site, evse=evse, defaults={"tariff": tariff}
    )
    return row

"""Tariffs: what is published stays; new prices are a new version, and places change their tariff by date."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing import pricing, uses
from billing.exceptions import PaymentRefused
from billing.models import Tariff, TariffAssignment, TariffRules, TariffVersion
from billing.models.tariff import ALWAYS
from evportal.accounts.models import Operator, User
from stations.models import Evse, Site

#: A clock that is a little slow must not make "from now on" a time in the past.
SLACK = timedelta(minutes=1)


class TariffRefused(PaymentRefused):
    default = _("That can't be done with this tariff.")


class WrongOperator(TariffRefused):
    default = _("A tariff can only be used at its own operator's sites.")


class NeedsSecondPerson(TariffRefused):
    default = _("A second person has to approve prices here: write a draft, and have it approved.")


class TooLate(TariffRefused):
    default = _("Prices can't change for a time that is over.")


class HasErrors(TariffRefused):
    """These prices must not be published; the message is the first of the `findings`."""

    def __init__(self, findings: list[pricing.Finding]) -> None:
        self.findings = findings
        super().__init__(findings[0].message)


def needs_second_person(operator: Operator) -> bool:
    return TariffRules.objects.filter(operator=operator, second_person=True).exists()


def lint(*, tariff: Tariff, document: pricing.Tariff, now: datetime) -> list[pricing.Finding]:
    """What is to be said of these prices, where this tariff is used."""
    evses = uses.evses_of([tariff], now)[tariff.pk]
    return pricing.lint(document, uses.most_power_w(evses))


@transaction.atomic
def create_tariff(
    *, operator: Operator, name: str, ocpi: dict, valid_from: datetime, by: User | None
) -> Tariff:
    """A new tariff with its first version; raises `pricing.TariffError` where the document can't be read."""
    tariff = Tariff.objects.create(operator=operator, name=name)
    publish(tariff=tariff, ocpi=ocpi, valid_from=valid_from, by=by)
    return tariff


@transaction.atomic
def publish(
    *,
    tariff: Tariff,
    ocpi: dict,
    valid_from: datetime,
    by: User | None,
    approved_by: User | None = None,
) -> TariffVersion:
    """The next version, in force from `valid_from`; what was quoted before keeps to the version it names.

    `approved_by` is the second person, who saw exactly this, where the operator wants one.
    """
    document = pricing.Tariff.from_ocpi(ocpi)
    if approved_by is None and needs_second_person(tariff.operator):
        raise NeedsSecondPerson
    # One after the other, so that two never take the same number.
    Tariff.objects.select_for_update().get(pk=tariff.pk)
    findings = lint(tariff=tariff, document=document, now=timezone.now())
    errors = [each for each in findings if each.level is pricing.Level.ERROR]
    if errors:
        raise HasErrors(errors)
    last = tariff.versions.aggregate(last=Max("number"))["last"] or 0
    return TariffVersion.objects.create(
        tariff=tariff,
        number=last + 1,
        valid_from=valid_from,
        ocpi=ocpi,
        created_by=by,
        approved_by=approved_by,
    )


@transaction.atomic
def assign(
    *, tariff: Tariff | None, site: Site, evse: Evse | None = None, valid_from: datetime | None = None
) -> TariffAssignment:
    """Use the tariff at the site, or at one of its EVSEs alone, from then on: now, where no time is given.

    The first tariff of a place applies from the beginning, so that what was charged before has a price.
    Without a tariff an EVSE has its site's again. What runs and what is quoted keeps its version.
    """
    if tariff is not None and site.operator_id != tariff.operator_id:
        raise WrongOperator
    if evse is not None and evse.station.site_id != site.pk:
        raise TariffRefused(_("This charge point is at another site."))
    if tariff is None and evse is None:
        raise TariffRefused(_("A site's tariff is followed by another one; it can't be left without."))
    # One after the other at a place.
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    now = timezone.now()
    if valid_from is not None and valid_from < now - SLACK:
        raise TooLate
    rows = TariffAssignment.objects.filter(site=site, evse=evse)
    begins = valid_from or (now if rows.exists() else ALWAYS)
    current = rows.filter(valid_from__lte=begins).order_by("-valid_from").first()
    if current is not None and current.tariff_id == (tariff and tariff.pk):
        return current
    row, _is_new = TariffAssignment.objects.update_or_create(
        site=site, evse=evse, valid_from=begins, defaults={"tariff": tariff}
    )
    return row


@transaction.atomic
def unplan(*, assignment: TariffAssignment) -> None:
    """Take back a change that has not begun."""
    if assignment.valid_from <= timezone.now():
        raise TariffRefused(_("This is in force already: assign another tariff instead."))
    assignment.delete()


@transaction.atomic
def want_second_person(*, operator: Operator) -> TariffRules:
    """From now on nothing is published by one person alone."""
    rules, _is_new = TariffRules.objects.get_or_create(operator=operator)
    TariffRules.objects.filter(pk=rules.pk).update(second_person=True, end_asked_by=None, end_asked_at=None)
    rules.refresh_from_db()
    return rules


@transaction.atomic
def do_without_second_person(*, operator: Operator, by: User) -> TariffRules:
    """Ask to do without, or agree with somebody else who asked: nobody can end the rule by themselves."""
    rules = TariffRules.objects.select_for_update().filter(operator=operator, second_person=True).first()
    if rules is None:
        raise TariffRefused(_("Nobody is asked for here."))
    if rules.end_asked_by_id is None:
        rules.end_asked_by, rules.end_asked_at = by, timezone.now()
    elif rules.end_asked_by_id == by.pk:
        raise TariffRefused(_("You asked for it: somebody else has to agree."))
    else:
        rules.second_person, rules.end_asked_by, rules.end_asked_at = False, None, None
    rules.save()
    return rules

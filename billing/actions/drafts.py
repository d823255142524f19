"""A tariff's draft: begun, changed, approved, published. What is approved and published is what was seen."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing import pricing
from billing.actions import tariffs
from billing.actions.tariffs import TariffRefused
from billing.models import Tariff, TariffApproval, TariffDraft, TariffVersion
from evportal.accounts.models import Operator, User

Level = pricing.Level


class DraftChanged(TariffRefused):
    default = _("Somebody has changed the draft meanwhile. Look at it again.")


class OwnDraft(TariffRefused):
    default = _("You wrote on this draft: somebody else has to approve it.")


class NotAPerson(TariffRefused):
    default = _("A draft is approved by a person, not by a key.")


class WarningsLeft(TariffRefused):
    """`findings` has the warnings that nobody confirmed."""

    default = _("Confirm each warning first.")

    def __init__(self, findings: list[pricing.Finding]) -> None:
        self.findings = findings
        super().__init__()


def first_prices(tariff: Tariff) -> dict:
    """What a draft of a tariff without any version begins with."""
    operator = tariff.operator
    document = {
        "country_code": operator.country,
        "id": f"tariff-{tariff.pk}",
        "currency": operator.currency,
        "tax_included": "YES",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0, "step_size": 1}]}],
    }
    return document | ({"party_id": operator.party_id} if operator.party_id else {})


@transaction.atomic
def create(*, operator: Operator, name: str, by: User | None, like: Tariff | None = None) -> TariffDraft:
    """A new tariff that has a draft and no version yet; `like` another one: with its newest prices.

    Raises IntegrityError where there is a tariff of that name.
    """
    tariff = Tariff.objects.create(operator=operator, name=name)
    newest = like.versions.order_by("-number").first() if like is not None else None
    ocpi = newest.ocpi | {"id": f"tariff-{tariff.pk}"} if newest is not None else first_prices(tariff)
    return _begun(tariff, ocpi, by)


@transaction.atomic
def begin(*, tariff: Tariff, by: User | None) -> TariffDraft:
    """The tariff's draft; where there is none, one with the prices of its newest version."""
    known = TariffDraft.objects.filter(tariff=tariff).first()
    if known is not None:
        return known
    newest = tariff.versions.order_by("-number").first()
    try:
        with transaction.atomic():
            return _begun(tariff, newest.ocpi if newest is not None else first_prices(tariff), by)
    except IntegrityError:
        return TariffDraft.objects.get(tariff=tariff)


def _begun(tariff: Tariff, ocpi: dict, by: User | None) -> TariffDraft:
    draft = TariffDraft.objects.create(tariff=tariff, ocpi=ocpi, updated_by=by)
    return TariffDraft.objects.get(pk=draft.pk)


@transaction.atomic
def change(
    *, draft: TariffDraft, ocpi: dict, valid_from: datetime | None, by: User | None, seen: str = ""
) -> TariffDraft:
    """Write other prices or another day into the draft; an approval of what stood there is gone.

    `seen` is the digest of the draft that the change was made on. Raises `pricing.TariffError` where the
    document can't be read.
    """
    document = pricing.Tariff.from_ocpi(ocpi)
    wanted = draft.tariff.operator.currency
    if document.currency != wanted:
        raise pricing.TariffError("currency", f"the operator's currency is {wanted}")
    row = _locked(draft)
    if seen and seen != row.digest:
        raise DraftChanged
    if (row.ocpi, row.valid_from) == (ocpi, valid_from):
        return row
    row.ocpi, row.valid_from, row.updated_by = ocpi, valid_from, by
    row.save()
    if by is not None:
        row.editors.add(by)
    TariffApproval.objects.filter(draft=row).delete()
    return TariffDraft.objects.get(pk=row.pk)


def _locked(draft: TariffDraft) -> TariffDraft:
    rows = TariffDraft.objects.select_for_update(of=["self"]).select_related("tariff__operator")
    row = rows.filter(pk=draft.pk).first()
    if row is None:
        raise DraftChanged(_("This draft has been published or given up meanwhile."))
    return row


@transaction.atomic
def discard(*, draft: TariffDraft) -> None:
    """Give the draft up; a tariff that never had a version goes with it."""
    row = _locked(draft)
    tariff = row.tariff
    row.delete()
    if not tariff.versions.exists() and not tariff.assignments.exists():
        tariff.delete()


def findings(*, draft: TariffDraft, now: datetime) -> list[pricing.Finding]:
    """What is to be said of the draft's prices, where the tariff is used."""
    return tariffs.lint(tariff=draft.tariff, document=pricing.Tariff.from_ocpi(draft.ocpi), now=now)


def key(finding: pricing.Finding) -> str:
    """What a warning is confirmed by."""
    return f"{finding.code}:{finding.path}"


def check(*, draft: TariffDraft, confirmed: Iterable[str], now: datetime) -> None:
    """Raises for what keeps a draft from being approved and published: an error, an unconfirmed warning."""
    found = findings(draft=draft, now=now)
    errors = [each for each in found if each.level is Level.ERROR]
    if errors:
        raise tariffs.HasErrors(errors)
    known = set(confirmed)
    left = [each for each in found if each.level is Level.WARNING and key(each) not in known]
    if left:
        raise WarningsLeft(left)


@transaction.atomic
def approve(
    *, draft: TariffDraft, by: User | None, seen: str, confirmed: Iterable[str] = ()
) -> TariffApproval:
    """The second person's word on exactly the draft that they saw."""
    if by is None:
        raise NotAPerson
    row = _locked(draft)
    if seen != row.digest:
        raise DraftChanged
    if row.updated_by_id == by.pk or row.editors.filter(pk=by.pk).exists():
        raise OwnDraft
    check(draft=row, confirmed=confirmed, now=timezone.now())
    TariffApproval.objects.filter(draft=row).delete()
    return TariffApproval.objects.create(draft=row, digest=row.digest, by=by)


@transaction.atomic
def publish(
    *, draft: TariffDraft, by: User | None, seen: str, confirmed: Iterable[str] = ()
) -> TariffVersion:
    """Make the draft the tariff's next version, from its day or from now on; the draft is done with."""
    row = _locked(draft)
    if seen != row.digest:
        raise DraftChanged
    now = timezone.now()
    if row.valid_from is not None and row.valid_from < now - tariffs.SLACK:
        raise tariffs.TooLate
    approval = TariffApproval.objects.filter(draft=row, digest=row.digest).select_related("by").first()
    if approval is None and tariffs.needs_second_person(row.tariff.operator):
        raise tariffs.NeedsSecondPerson
    check(draft=row, confirmed=confirmed, now=now)
    version = tariffs.publish(
        tariff=row.tariff,
        ocpi=row.ocpi,
        valid_from=row.valid_from or now,
        by=row.updated_by or by,
        approved_by=approval.by if approval is not None else None,
    )
    row.delete()
    return version

"""Who sells and who buys: whom a driver's charges are made out to, and what documents say of both."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from billing import invoicing, vat
from billing.models import Account, AccountDriver
from billing.pricing import Priced
from evportal.accounts.models import Operator, User
from stations.models import Site

State = dict[str, Any]


def account_of(user: User | None, operator: Operator) -> Account | None:
    """The fleet that pays for them at this operator, before their own details."""
    if user is None:
        return None
    place = AccountDriver.objects.select_related("account").filter(user=user, operator=operator).first()
    return place.account if place is not None else Account.objects.filter(user=user).first()


def is_on_account(user: User | None, operator: Operator) -> bool:
    account = account_of(user, operator)
    return account is not None and account.on_account


def customer(account: Account | None) -> vat.Customer:
    if account is None:
        return vat.Customer()
    return vat.Customer(account.kind, account.country, account.vat_id, account.vat_id_known is False)


def registered_in(operator: Operator) -> set[str]:
    """Countries whose VAT the operator charges itself: its own, and those where it has another VAT id."""
    abroad = {row.country for row in operator.vat_registrations.all()}
    return {
        vat.country_of(operator.vat_id) if operator.vat_id else operator.country,
        operator.country,
    } | abroad


def category(*, place: str, operator: Operator, account: Account | None) -> str:
    return vat.category(place=place, registered_in=registered_in(operator), customer=customer(account))


def plan_category(user: User | None, operator: Operator) -> str:
    """The VAT category of a plan's fee for this driver, as their details say now."""
    who = (
        customer(account_of(user, operator)) if user is not None and user.is_authenticated else vat.Customer()
    )
    country = vat.country_of(operator.vat_id) if operator.vat_id else operator.country
    return vat.plan_category(seller_country=country, seller_vat_id=operator.vat_id, customer=who)


def taxed(priced: Priced, *, user: User | None, site: Site) -> Priced:
    """A price as this driver will be billed it: who owes the tax themselves is shown the net price."""
    if user is None or not user.is_authenticated:
        return priced
    known = user.__dict__.setdefault("_vat_categories", {})
    key = (site.operator_id, site.country)
    if key not in known:
        account = account_of(user, site.operator)
        known[key] = category(place=site.country, operator=site.operator, account=account)
    return vat.applied(priced, known[key])


def remember(users: Iterable[User], site: Site) -> None:
    """Look all of them up at once, for `taxed`."""
    rows = {user.pk for user in users}
    operator = site.operator
    places = AccountDriver.objects.select_related("account").filter(user__in=rows, operator=operator)
    fleets = {place.user_id: place.account for place in places}
    own = {account.user_id: account for account in Account.objects.filter(user__in=rows)}
    registered = registered_in(operator)
    for user in users:
        account = fleets.get(user.pk) or own.get(user.pk)
        found = vat.category(place=site.country, registered_in=registered, customer=customer(account))
        user.__dict__.setdefault("_vat_categories", {})[operator.pk, site.country] = found


def seller(operator: Operator, vat_country: str) -> dict[str, str]:
    """The operator as documents name it, with its VAT id of the country in which the tax is owed."""
    found = invoicing.seller(operator)
    abroad = next((row for row in operator.vat_registrations.all() if row.country == vat_country), None)
    if abroad is not None:
        found["vat_id"] = abroad.vat_id
    books = getattr(operator, "books", None)
    if books is not None and books.iban:
        found |= {"iban": books.iban, "bic": books.bic}
    return found


def buyer(user: User | None, account: Account | None) -> dict[str, str]:
    if account is None:
        return invoicing.buyer(user)
    own = invoicing.buyer(user if account.user_id else None)
    return {
        "name": account.name or own["name"],
        "contact": own["name"] if account.name and own["name"] != account.name else "",
        "street": account.street,
        "postcode": account.postcode,
        "city": account.city,
        "country": account.country,
        "vat_id": account.vat_id if account.kind != Account.Kind.PRIVATE else "",
        "reference": account.reference,
        "email": account.email or own["email"],
        "kind": account.kind,
    }


def language(user: User | None, account: Account | None) -> str:
    """What documents are written in: as the account says, else the driver's own."""
    return (account.language if account is not None else "") or (user.language if user is not None else "en")

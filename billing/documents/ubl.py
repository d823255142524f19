"""EN 16931 as UBL 2.1: an Invoice, or for what takes back, a CreditNote."""

from __future__ import annotations

from decimal import Decimal
from xml.etree import ElementTree as ET

from billing import vat
from billing.documents.cii import GUIDELINE
from billing.documents.facts import Facts, Line, Party
from evportal.money import plain

CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
ROOT = "urn:oasis:names:specification:ubl:schema:xsd:{0}-2"
for prefix, uri in (("cac", CAC), ("cbc", CBC)):
    ET.register_namespace(prefix, uri)


def write(facts: Facts) -> bytes:
    is_credit = facts.kind == "381"
    name = "CreditNote" if is_credit else "Invoice"
    # The root's own namespace is the default one, as every other writer has it.
    root = ET.Element(name, {"xmlns": ROOT.format(name)})
    _text(root, "CustomizationID", GUIDELINE)
    _text(root, "ID", facts.number)
    _text(root, "IssueDate", facts.issued_on.isoformat())
    if not is_credit and facts.due > 0:
        _text(root, "DueDate", (facts.due_on or facts.issued_on).isoformat())
    _text(root, f"{name}TypeCode", facts.kind)
    if facts.note:
        _text(root, "Note", facts.note)
    _text(root, "DocumentCurrencyCode", facts.currency)
    if facts.reference:
        _text(root, "BuyerReference", facts.reference)
    if facts.period:
        period = _add(root, "InvoicePeriod")
        _text(period, "StartDate", facts.period[0].isoformat())
        _text(period, "EndDate", facts.period[1].isoformat())
    if facts.corrects:
        other = _add(_add(root, "BillingReference"), "InvoiceDocumentReference")
        _text(other, "ID", facts.corrects[0])
        _text(other, "IssueDate", facts.corrects[1].isoformat())
    _party(_add(_add(root, "AccountingSupplierParty"), "Party"), facts.seller, facts)
    _party(_add(_add(root, "AccountingCustomerParty"), "Party"), facts.buyer, facts)
    _text(_add(root, "Delivery"), "ActualDeliveryDate", facts.supplied_on.isoformat())
    _means(root, facts)
    if is_credit and facts.due > 0:
        _text(_add(root, "PaymentTerms"), "Note", (facts.due_on or facts.issued_on).isoformat())
    _taxes(root, facts)
    total = _add(root, "LegalMonetaryTotal")
    for element, amount in (
        ("LineExtensionAmount", facts.net),
        ("TaxExclusiveAmount", facts.net),
        ("TaxInclusiveAmount", facts.gross),
        ("PrepaidAmount", facts.paid),
        ("PayableAmount", facts.due),
    ):
        _amount(total, element, amount, facts)
    for line in facts.lines:
        _line(root, line, facts, name, "CreditedQuantity" if is_credit else "InvoicedQuantity")
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _add(parent: ET.Element, name: str) -> ET.Element:
    return ET.SubElement(parent, f"{{{CAC}}}{name}")


def _text(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    element = ET.SubElement(parent, f"{{{CBC}}}{name}", attributes)
    element.text = text


def _amount(parent: ET.Element, name: str, amount: Decimal, facts: Facts) -> None:
    _text(parent, name, facts.money(amount), currencyID=facts.currency)


def _party(element: ET.Element, party: Party, facts: Facts) -> None:
    if party.email:
        _text(element, "EndpointID", party.email, schemeID="EM")
    if party is facts.seller and facts.seller_id:
        _text(_add(element, "PartyIdentification"), "ID", facts.seller_id)
    address = _add(element, "PostalAddress")
    for name, value in (
        ("StreetName", party.street),
        ("CityName", party.city),
        ("PostalZone", party.postcode),
    ):
        if value:
            _text(address, name, value)
    _text(_add(address, "Country"), "IdentificationCode", party.country)
    if party.vat_id and facts.shows_vat_ids:
        _scheme(element, party.vat_id, "VAT")
    if party.tax_number:
        _scheme(element, party.tax_number, "FC")
    _text(_add(element, "PartyLegalEntity"), "RegistrationName", party.name)


def _scheme(element: ET.Element, number: str, scheme: str) -> None:
    tax = _add(element, "PartyTaxScheme")
    _text(tax, "CompanyID", number)
    _text(_add(tax, "TaxScheme"), "ID", scheme)


def _means(root: ET.Element, facts: Facts) -> None:
    means = _add(root, "PaymentMeans")
    _text(means, "PaymentMeansCode", facts.means)
    _text(means, "PaymentID", facts.number)
    if facts.iban:
        account = _add(means, "PayeeFinancialAccount")
        _text(account, "ID", facts.iban)
        if facts.bic:
            _text(_add(account, "FinancialInstitutionBranch"), "ID", facts.bic)


def _taxes(root: ET.Element, facts: Facts) -> None:
    total = _add(root, "TaxTotal")
    _amount(total, "TaxAmount", facts.tax, facts)
    for rate in facts.rates:
        part = _add(total, "TaxSubtotal")
        _amount(part, "TaxableAmount", rate.net, facts)
        _amount(part, "TaxAmount", rate.tax, facts)
        category = _add(part, "TaxCategory")
        _text(category, "ID", rate.vat_category)
        if rate.vat_category != vat.NOT_SUBJECT:
            _text(category, "Percent", plain(rate.vat_percent))
        if rate.vat_category in vat.REASON_CODES:
            _text(category, "TaxExemptionReasonCode", vat.REASON_CODES[rate.vat_category])
        if rate.vat_category == vat.EXEMPT:
            _text(category, "TaxExemptionReason", "Exempt from VAT")
        _text(_add(category, "TaxScheme"), "ID", "VAT")


def _line(root: ET.Element, line: Line, facts: Facts, name: str, quantity: str) -> None:
    row = _add(root, f"{name}Line")
    _text(row, "ID", str(line.position))
    _text(row, quantity, plain(line.quantity), unitCode=line.unit)
    _amount(row, "LineExtensionAmount", line.net, facts)
    item = _add(row, "Item")
    _text(item, "Name", line.text)
    category = _add(item, "ClassifiedTaxCategory")
    _text(category, "ID", line.category)
    if line.category != vat.NOT_SUBJECT:
        _text(category, "Percent", plain(line.percent))
    _text(_add(category, "TaxScheme"), "ID", "VAT")
    _text(_add(row, "Price"), "PriceAmount", plain(line.price), currencyID=facts.currency)

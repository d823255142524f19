"""EN 16931 as UN/CEFACT Cross Industry Invoice D16B, the syntax inside a Factur-X PDF."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from billing import vat
from billing.documents.facts import Facts, Line, Party
from evportal.money import plain

GUIDELINE = "urn:cen.eu:en16931:2017"
RSM = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
RAM = "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
UDT = "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"
QDT = "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"
for prefix, uri in (("rsm", RSM), ("ram", RAM), ("udt", UDT), ("qdt", QDT)):
    ET.register_namespace(prefix, uri)


def write(facts: Facts) -> bytes:
    root = ET.Element(f"{{{RSM}}}CrossIndustryInvoice")
    context = ET.SubElement(root, f"{{{RSM}}}ExchangedDocumentContext")
    _text(_add(context, "GuidelineSpecifiedDocumentContextParameter"), "ID", GUIDELINE)
    document = ET.SubElement(root, f"{{{RSM}}}ExchangedDocument")
    _text(document, "ID", facts.number)
    _text(document, "TypeCode", facts.kind)
    _date(_add(document, "IssueDateTime"), facts.issued_on)
    if facts.note:
        _text(_add(document, "IncludedNote"), "Content", facts.note)
    trade = ET.SubElement(root, f"{{{RSM}}}SupplyChainTradeTransaction")
    for line in facts.lines:
        _line(trade, line, facts)
    agreement = _add(trade, "ApplicableHeaderTradeAgreement")
    if facts.reference:
        _text(agreement, "BuyerReference", facts.reference)
    _party(_add(agreement, "SellerTradeParty"), facts.seller, facts)
    _party(_add(agreement, "BuyerTradeParty"), facts.buyer, facts)
    delivery = _add(trade, "ApplicableHeaderTradeDelivery")
    event = _add(delivery, "ActualDeliverySupplyChainEvent")
    _date(_add(event, "OccurrenceDateTime"), facts.supplied_on)
    _settlement(_add(trade, "ApplicableHeaderTradeSettlement"), facts)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _add(parent: ET.Element, name: str) -> ET.Element:
    return ET.SubElement(parent, f"{{{RAM}}}{name}")


def _text(parent: ET.Element, name: str, text: str, **attributes: str) -> None:
    element = _add(parent, name)
    element.text = text
    element.attrib.update(attributes)


def _date(parent: ET.Element, day) -> None:
    element = ET.SubElement(parent, f"{{{UDT}}}DateTimeString", format="102")
    element.text = f"{day:%Y%m%d}"


def _line(trade: ET.Element, line: Line, facts: Facts) -> None:
    item = _add(trade, "IncludedSupplyChainTradeLineItem")
    _text(_add(item, "AssociatedDocumentLineDocument"), "LineID", str(line.position))
    _text(_add(item, "SpecifiedTradeProduct"), "Name", line.text)
    price = _add(_add(item, "SpecifiedLineTradeAgreement"), "NetPriceProductTradePrice")
    _text(price, "ChargeAmount", plain(line.price))
    _text(
        _add(item, "SpecifiedLineTradeDelivery"), "BilledQuantity", plain(line.quantity), unitCode=line.unit
    )
    settlement = _add(item, "SpecifiedLineTradeSettlement")
    tax = _add(settlement, "ApplicableTradeTax")
    _text(tax, "TypeCode", "VAT")
    _text(tax, "CategoryCode", line.category)
    if line.category != vat.NOT_SUBJECT:
        _text(tax, "RateApplicablePercent", plain(line.percent))
    total = _add(settlement, "SpecifiedTradeSettlementLineMonetarySummation")
    _text(total, "LineTotalAmount", facts.money(line.net))


def _party(element: ET.Element, party: Party, facts: Facts) -> None:
    if party is facts.seller and facts.seller_id:
        _text(element, "ID", facts.seller_id)
    _text(element, "Name", party.name)
    address = _add(element, "PostalTradeAddress")
    for name, value in (
        ("PostcodeCode", party.postcode),
        ("LineOne", party.street),
        ("CityName", party.city),
        ("CountryID", party.country),
    ):
        if value:
            _text(address, name, value)
    if party.email:
        _text(_add(element, "URIUniversalCommunication"), "URIID", party.email, schemeID="EM")
    if party.tax_number:
        _text(_add(element, "SpecifiedTaxRegistration"), "ID", party.tax_number, schemeID="FC")
    if party.vat_id and facts.shows_vat_ids:
        _text(_add(element, "SpecifiedTaxRegistration"), "ID", party.vat_id, schemeID="VA")


def _settlement(element: ET.Element, facts: Facts) -> None:
    _text(element, "PaymentReference", facts.number)
    _text(element, "InvoiceCurrencyCode", facts.currency)
    means = _add(element, "SpecifiedTradeSettlementPaymentMeans")
    _text(means, "TypeCode", facts.means)
    if facts.iban:
        _text(_add(means, "PayeePartyCreditorFinancialAccount"), "IBANID", facts.iban)
        if facts.bic:
            _text(_add(means, "PayeeSpecifiedCreditorFinancialInstitution"), "BICID", facts.bic)
    for rate in facts.rates:
        tax = _add(element, "ApplicableTradeTax")
        _text(tax, "CalculatedAmount", facts.money(rate.tax))
        _text(tax, "TypeCode", "VAT")
        reason = vat.REASON_CODES.get(rate.vat_category)
        if rate.vat_category == vat.EXEMPT:
            _text(tax, "ExemptionReason", "Exempt from VAT")
        _text(tax, "BasisAmount", facts.money(rate.net))
        _text(tax, "CategoryCode", rate.vat_category)
        if reason:
            _text(tax, "ExemptionReasonCode", reason)
        if rate.vat_category != vat.NOT_SUBJECT:
            _text(tax, "RateApplicablePercent", plain(rate.vat_percent))
    if facts.period:
        period = _add(element, "BillingSpecifiedPeriod")
        _date(_add(period, "StartDateTime"), facts.period[0])
        _date(_add(period, "EndDateTime"), facts.period[1])
    if facts.due > 0:
        _date(
            _add(_add(element, "SpecifiedTradePaymentTerms"), "DueDateDateTime"),
            facts.due_on or facts.issued_on,
        )
    total = _add(element, "SpecifiedTradeSettlementHeaderMonetarySummation")
    _text(total, "LineTotalAmount", facts.money(facts.net))
    _text(total, "TaxBasisTotalAmount", facts.money(facts.net))
    _text(total, "TaxTotalAmount", facts.money(facts.tax), currencyID=facts.currency)
    _text(total, "GrandTotalAmount", facts.money(facts.gross))
    _text(total, "TotalPrepaidAmount", facts.money(facts.paid))
    _text(total, "DuePayableAmount", facts.money(facts.due))
    if facts.corrects:
        other = _add(element, "InvoiceReferencedDocument")
        _text(other, "IssuerAssignedID", facts.corrects[0])
        qualified = _add(other, "FormattedIssueDateTime")
        day = ET.SubElement(
            qualified,
            f"{{{QDT}}}DateTimeString",
            format="102",
        )
        day.text = f"{facts.corrects[1]:%Y%m%d}"

"""Each business term of EN 16931 by its place in both syntaxes: what is written, what is left out."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from lxml import etree

from billing.documents import cii, facts, ubl
from tests.billing.test_einvoice import BUSINESS, CASES, CORRECTS, SELLER, invoice

D = Decimal


def texts(xml: bytes, path: str) -> list[str]:
    """What stands at this path, whose names are written without their namespaces; `@` names an attribute."""
    steps = [
        step if step.startswith("@") else f"*[local-name()='{step}']" if step else ""
        for step in path.split("/")
    ]
    found = etree.fromstring(xml).xpath("/".join(steps))
    return [one if isinstance(one, str) else one.text for one in found]


def both(found: facts.Facts) -> tuple[bytes, bytes]:
    return cii.write(found), ubl.write(found)


def expect(xml: bytes, terms: dict[str, object]) -> None:
    for path, wanted in terms.items():
        assert texts(xml, path) == ([wanted] if isinstance(wanted, str) else wanted), path


def transfer(**fields) -> facts.Facts:
    """A month of two charges that a business is to pay by transfer."""
    wanted = {
        "details": {"time_zone": "Europe/Berlin", "site": "Hof", "address": "Weg 2", "evse": "DE*ABC*E1"},
        "period_start": date(2026, 5, 31), "period_end": date(2026, 6, 30),
        "issued_at": datetime(2026, 6, 30, 22, 30, tzinfo=UTC), "due_on": date(2026, 7, 15),
        "parts": [("2.5", "kWh", "4.12", "0.78", "19", "S"), ("90", "min", "10", "0.70", "7", "S")],
    }  # fmt: skip
    return facts.of(*invoice(**wanted | fields))


def test_a_bill_to_be_paid_in_the_cross_industry_syntax():
    head = "ExchangedDocument"
    agreement = "SupplyChainTradeTransaction/ApplicableHeaderTradeAgreement"
    settlement = "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement"
    line = "SupplyChainTradeTransaction/IncludedSupplyChainTradeLineItem"
    tax = f"{settlement}/ApplicableTradeTax"
    total = f"{settlement}/SpecifiedTradeSettlementHeaderMonetarySummation"
    xml = cii.write(transfer())
    expect(xml, {
        "ExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID": "urn:cen.eu:en16931:2017",
        f"{head}/ID": "ABC-2026-000001",
        f"{head}/TypeCode": "380",
        # Half past midnight at the place.
        f"{head}/IssueDateTime/DateTimeString": "20260701",
        f"{head}/IssueDateTime/DateTimeString/@format": "102",
        f"{head}/IncludedNote/Content": "Hof, Weg 2, DE*ABC*E1",
        f"{line}/AssociatedDocumentLineDocument/LineID": ["1", "2"],
        f"{line}/SpecifiedTradeProduct/Name": ["Energy", "Energy"],
        f"{line}/SpecifiedLineTradeAgreement/NetPriceProductTradePrice/ChargeAmount": ["1.648", "0.11111111"],
        f"{line}/SpecifiedLineTradeDelivery/BilledQuantity": ["2.5", "90"],
        f"{line}/SpecifiedLineTradeDelivery/BilledQuantity/@unitCode": ["KWH", "MIN"],
        f"{line}/SpecifiedLineTradeSettlement/ApplicableTradeTax/TypeCode": ["VAT", "VAT"],
        f"{line}/SpecifiedLineTradeSettlement/ApplicableTradeTax/CategoryCode": ["S", "S"],
        f"{line}/SpecifiedLineTradeSettlement/ApplicableTradeTax/RateApplicablePercent": ["19", "7"],
        f"{line}/SpecifiedLineTradeSettlement/SpecifiedTradeSettlementLineMonetarySummation/LineTotalAmount":
            ["4.12", "10.00"],
        f"{agreement}/BuyerReference": "04011000-12345-34",
        f"{agreement}/SellerTradeParty/Name": "Strom & Söhne <GmbH>",
        f"{agreement}/SellerTradeParty/ID": [],
        f"{agreement}/SellerTradeParty/PostalTradeAddress/LineOne": "Weg 1",
        f"{agreement}/SellerTradeParty/PostalTradeAddress/PostcodeCode": "10115",
        f"{agreement}/SellerTradeParty/PostalTradeAddress/CityName": "Berlin",
        f"{agreement}/SellerTradeParty/PostalTradeAddress/CountryID": "DE",
        f"{agreement}/SellerTradeParty/SpecifiedTaxRegistration/ID": "DE123456788",
        f"{agreement}/SellerTradeParty/SpecifiedTaxRegistration/ID/@schemeID": "VA",
        f"{agreement}/SellerTradeParty/URIUniversalCommunication/URIID": "a@example.com",
        f"{agreement}/BuyerTradeParty/Name": "Kundin SARL",
        f"{agreement}/BuyerTradeParty/ID": [],
        f"{agreement}/BuyerTradeParty/PostalTradeAddress/CountryID": "FR",
        f"{agreement}/BuyerTradeParty/SpecifiedTaxRegistration/ID": "FR40303265045",
        f"{agreement}/BuyerTradeParty/URIUniversalCommunication/URIID": "b@example.com",
        "SupplyChainTradeTransaction/ApplicableHeaderTradeDelivery/ActualDeliverySupplyChainEvent/"
        "OccurrenceDateTime/DateTimeString": "20260615",
        f"{settlement}/PaymentReference": "ABC-2026-000001",
        f"{settlement}/InvoiceCurrencyCode": "EUR",
        f"{settlement}/SpecifiedTradeSettlementPaymentMeans/TypeCode": "58",
        f"{settlement}/SpecifiedTradeSettlementPaymentMeans/PayeePartyCreditorFinancialAccount/IBANID":
            "DE02120300000000202051",
        f"{settlement}/SpecifiedTradeSettlementPaymentMeans/PayeeSpecifiedCreditorFinancialInstitution/BICID":
            "BYLADEM1001",
        f"{tax}/CalculatedAmount": ["0.78", "0.70"],
        f"{tax}/BasisAmount": ["4.12", "10.00"],
        f"{tax}/TypeCode": ["VAT", "VAT"],
        f"{tax}/CategoryCode": ["S", "S"],
        f"{tax}/RateApplicablePercent": ["19", "7"],
        f"{tax}/ExemptionReason": [],
        f"{tax}/ExemptionReasonCode": [],
        f"{settlement}/BillingSpecifiedPeriod/StartDateTime/DateTimeString": "20260531",
        f"{settlement}/BillingSpecifiedPeriod/EndDateTime/DateTimeString": "20260630",
        f"{settlement}/SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString": "20260715",
        f"{total}/LineTotalAmount": "14.12",
        f"{total}/TaxBasisTotalAmount": "14.12",
        f"{total}/TaxTotalAmount": "1.48",
        f"{total}/TaxTotalAmount/@currencyID": "EUR",
        f"{total}/GrandTotalAmount": "15.60",
        f"{total}/TotalPrepaidAmount": "0.00",
        f"{total}/DuePayableAmount": "15.60",
        f"{settlement}/InvoiceReferencedDocument": [],
    })  # fmt: skip


def test_a_bill_to_be_paid_in_the_universal_language():
    seller, buyer = "AccountingSupplierParty/Party", "AccountingCustomerParty/Party"
    xml = ubl.write(transfer())
    expect(xml, {
        "CustomizationID": "urn:cen.eu:en16931:2017",
        "ID": "ABC-2026-000001",
        "IssueDate": "2026-07-01",
        "DueDate": "2026-07-15",
        "PaymentTerms": [],
        "InvoiceTypeCode": "380",
        "Note": "Hof, Weg 2, DE*ABC*E1",
        "DocumentCurrencyCode": "EUR",
        "BuyerReference": "04011000-12345-34",
        "InvoicePeriod/StartDate": "2026-05-31",
        "InvoicePeriod/EndDate": "2026-06-30",
        "BillingReference": [],
        f"{seller}/EndpointID": "a@example.com",
        f"{seller}/EndpointID/@schemeID": "EM",
        f"{seller}/PartyIdentification": [],
        f"{seller}/PostalAddress/StreetName": "Weg 1",
        f"{seller}/PostalAddress/CityName": "Berlin",
        f"{seller}/PostalAddress/PostalZone": "10115",
        f"{seller}/PostalAddress/Country/IdentificationCode": "DE",
        f"{seller}/PartyTaxScheme/CompanyID": "DE123456788",
        f"{seller}/PartyTaxScheme/TaxScheme/ID": "VAT",
        f"{seller}/PartyLegalEntity/RegistrationName": "Strom & Söhne <GmbH>",
        f"{buyer}/EndpointID": "b@example.com",
        f"{buyer}/PartyIdentification": [],
        f"{buyer}/PartyTaxScheme/CompanyID": "FR40303265045",
        f"{buyer}/PostalAddress/Country/IdentificationCode": "FR",
        f"{buyer}/PartyLegalEntity/RegistrationName": "Kundin SARL",
        "Delivery/ActualDeliveryDate": "2026-06-15",
        "PaymentMeans/PaymentMeansCode": "58",
        "PaymentMeans/PaymentID": "ABC-2026-000001",
        "PaymentMeans/PayeeFinancialAccount/ID": "DE02120300000000202051",
        "PaymentMeans/PayeeFinancialAccount/FinancialInstitutionBranch/ID": "BYLADEM1001",
        "TaxTotal/TaxAmount": "1.48",
        "TaxTotal/TaxSubtotal/TaxableAmount": ["4.12", "10.00"],
        "TaxTotal/TaxSubtotal/TaxableAmount/@currencyID": ["EUR", "EUR"],
        "TaxTotal/TaxSubtotal/TaxAmount": ["0.78", "0.70"],
        "TaxTotal/TaxSubtotal/TaxCategory/ID": ["S", "S"],
        "TaxTotal/TaxSubtotal/TaxCategory/Percent": ["19", "7"],
        "TaxTotal/TaxSubtotal/TaxCategory/TaxExemptionReasonCode": [],
        "TaxTotal/TaxSubtotal/TaxCategory/TaxExemptionReason": [],
        "TaxTotal/TaxSubtotal/TaxCategory/TaxScheme/ID": ["VAT", "VAT"],
        "LegalMonetaryTotal/LineExtensionAmount": "14.12",
        "LegalMonetaryTotal/TaxExclusiveAmount": "14.12",
        "LegalMonetaryTotal/TaxInclusiveAmount": "15.60",
        "LegalMonetaryTotal/PrepaidAmount": "0.00",
        "LegalMonetaryTotal/PayableAmount": "15.60",
        "InvoiceLine/ID": ["1", "2"],
        "InvoiceLine/InvoicedQuantity": ["2.5", "90"],
        "InvoiceLine/InvoicedQuantity/@unitCode": ["KWH", "MIN"],
        "InvoiceLine/LineExtensionAmount": ["4.12", "10.00"],
        "InvoiceLine/Item/Name": ["Energy", "Energy"],
        "InvoiceLine/Item/ClassifiedTaxCategory/ID": ["S", "S"],
        "InvoiceLine/Item/ClassifiedTaxCategory/Percent": ["19", "7"],
        "InvoiceLine/Item/ClassifiedTaxCategory/TaxScheme/ID": ["VAT", "VAT"],
        "InvoiceLine/Price/PriceAmount": ["1.648", "0.11111111"],
        "InvoiceLine/Price/PriceAmount/@currencyID": ["EUR", "EUR"],
    })  # fmt: skip


def test_the_files_say_in_which_letters_they_are():
    assert [xml.splitlines()[0] for xml in both(transfer())] == [
        b"<?xml version='1.0' encoding='utf-8'?>"
    ] * 2


def test_what_is_paid_already_is_due_on_no_day():
    found = facts.of(*invoice())
    assert (found.paid, found.due, found.means, found.iban) == (D("4.90"), 0, "48", SELLER["iban"])
    first, second = both(found)
    assert not texts(first, "//DueDateDateTime") and not texts(second, "//DueDate")
    assert not texts(first, "//BillingSpecifiedPeriod") and not texts(second, "//InvoicePeriod")
    assert texts(first, "//DuePayableAmount") == texts(second, "//PayableAmount") == ["0.00"]


def test_what_is_due_without_a_day_is_due_at_once():
    first, second = both(transfer(due_on=None))
    assert texts(first, "//DueDateDateTime/DateTimeString") == ["20260701"]
    assert texts(second, "DueDate") == ["2026-07-01"]


def test_a_part_that_is_open_is_what_is_due():
    found = facts.of(*invoice(details={"paid": {"amount": "3.00", "open": "1.90"}}))
    assert (found.paid, found.due) == (D("3.00"), D("1.90"))
    assert texts(cii.write(found), "//TotalPrepaidAmount") == ["3.00"]


def test_less_than_one_is_due_on_a_day_too():
    cents = [("1", "", "0.50", "0.10", "19", "S")]
    first, second = both(transfer(parts=cents))
    assert texts(first, "//DueDateDateTime/DateTimeString") == ["20260715"]
    assert texts(second, "DueDate") == ["2026-07-15"]
    credit = transfer(parts=cents, kind="381", details={"corrects": CORRECTS})
    assert texts(ubl.write(credit), "PaymentTerms/Note") == ["2026-07-15"]


def test_a_credit_note_takes_back_what_it_names():
    day_before = {"number": "ABC-2026-000001", "issued_at": "2026-06-15T22:30:00+00:00"}
    details = {"time_zone": "Europe/Berlin", "corrects": day_before}
    found = facts.of(*invoice(kind="381", details=details, number="ABC-C2026-000001"))
    assert (found.net, found.tax, found.gross, found.paid) == (D("4.12"), D("0.78"), D("4.90"), 0)
    [rate] = found.rates
    assert (rate.net, rate.tax, rate.gross) == (D("4.12"), D("0.78"), D("4.90"))
    first, second = both(found)
    reference = "SupplyChainTradeTransaction/ApplicableHeaderTradeSettlement/InvoiceReferencedDocument"
    expect(first, {
        "ExchangedDocument/TypeCode": "381",
        f"{reference}/IssuerAssignedID": "ABC-2026-000001",
        f"{reference}/FormattedIssueDateTime/DateTimeString": "20260616",
        f"{reference}/FormattedIssueDateTime/DateTimeString/@format": "102",
    })  # fmt: skip
    expect(second, {
        "CreditNoteTypeCode": "381",
        "DueDate": [],
        "PaymentTerms/Note": "2026-07-01",
        "BillingReference/InvoiceDocumentReference/ID": "ABC-2026-000001",
        "BillingReference/InvoiceDocumentReference/IssueDate": "2026-06-16",
        "CreditNoteLine/CreditedQuantity": "10",
        "CreditNoteLine/LineExtensionAmount": "4.12",
        "LegalMonetaryTotal/PayableAmount": "4.90",
    })  # fmt: skip
    _first, undated = both(facts.of(*invoice(kind="381", details=details, due_on=None)))
    assert texts(undated, "PaymentTerms/Note") == ["2026-06-15"]
    _first, settled = both(facts.of(*invoice(kind="381", details={"corrects": CORRECTS, "reissued": True})))
    assert texts(settled, "//PaymentTerms") == [] and texts(settled, "//PayableAmount") == ["0.00"]


def test_what_is_set_off_is_paid_to_no_account():
    found = transfer(kind="381", details={"set_off": True, "corrects": CORRECTS})
    assert (found.iban, found.means) == ("", "1")
    first, second = both(found)
    assert not texts(first, "//IBANID") and not texts(first, "//BICID")
    assert not texts(second, "//PayeeFinancialAccount")


def test_a_document_that_replaces_another_names_it():
    found = facts.of(*invoice(details={"replaces": CORRECTS}))
    assert found.corrects == ("ABC-2026-000001", date(2026, 6, 15))


@pytest.mark.parametrize(
    ("name", "category", "code", "reason", "percent"),
    [
        ("reverse charge", "AE", ["VATEX-EU-AE"], [], ["0"]),
        ("not subject to VAT", "O", ["VATEX-EU-O"], [], []),
        ("a small host without VAT", "E", [], ["Exempt from VAT"], ["0"]),
        ("zero rate", "Z", [], [], ["0"]),
        ("paid by card", "S", [], [], ["19"]),
    ],
)
def test_why_no_tax_is_charged(name, category, code, reason, percent):
    first, second = both(facts.of(*invoice(**CASES[name])))
    settlement = "//ApplicableHeaderTradeSettlement/ApplicableTradeTax"
    expect(first, {
        f"{settlement}/CategoryCode": category,
        f"{settlement}/ExemptionReasonCode": code,
        f"{settlement}/ExemptionReason": reason,
        f"{settlement}/RateApplicablePercent": percent,
        "//SpecifiedLineTradeSettlement/ApplicableTradeTax/CategoryCode": category,
        "//SpecifiedLineTradeSettlement/ApplicableTradeTax/RateApplicablePercent": percent,
    })  # fmt: skip
    expect(second, {
        "//TaxSubtotal/TaxCategory/ID": category,
        "//TaxSubtotal/TaxCategory/TaxExemptionReasonCode": code,
        "//TaxSubtotal/TaxCategory/TaxExemptionReason": reason,
        "//TaxSubtotal/TaxCategory/Percent": percent,
        "//ClassifiedTaxCategory/ID": category,
        "//ClassifiedTaxCategory/Percent": percent,
    })  # fmt: skip


def test_what_is_not_subject_to_vat_names_no_vat_id():
    found = facts.of(*invoice(**CASES["not subject to VAT"]))
    assert (found.shows_vat_ids, found.seller_id) == (False, "DE123456788")
    first, second = both(found)
    assert texts(first, "//SpecifiedTaxRegistration/ID") == texts(second, "//PartyTaxScheme/CompanyID") == []
    assert texts(first, "//SellerTradeParty/ID") == ["DE123456788"]
    assert texts(first, "//BuyerTradeParty/ID") == []
    assert texts(second, "//AccountingSupplierParty/Party/PartyIdentification/ID") == ["DE123456788"]
    assert texts(second, "//AccountingCustomerParty/Party/PartyIdentification/ID") == []


@pytest.mark.parametrize(
    ("seller", "wanted"),
    [
        ({"name": "Hof", "email": "h@example.com", "tax_number": "12/3", "vat_id": "DE1"}, ""),
        ({"name": "Hof", "email": "h@example.com", "tax_number": "12/3"}, "12/3"),
        ({"name": "Hof", "email": "h@example.com"}, "h@example.com"),
        ({"name": "Hof"}, "Hof"),
    ],
)
def test_a_seller_without_a_vat_id_is_known_by_what_there_is(seller, wanted):
    assert facts.of(*invoice(seller=seller)).seller_id == wanted


def test_a_party_says_only_what_is_known_of_it():
    found = facts.of(*invoice(seller={"name": "Hof", "tax_number": "12/3"}, buyer={"email": "x@example.com"}))
    # Without a name it is the address; without a country it is that of the tax.
    assert (found.buyer.name, found.buyer.country, found.seller.country) == ("x@example.com", "DE", "DE")
    assert (found.means, found.iban, found.bic, found.reference) == ("48", "", "", "")
    first, second = both(found)
    assert texts(first, "//CountryID") == ["DE", "DE"]
    assert texts(first, "//PostcodeCode") + texts(first, "//LineOne") + texts(first, "//CityName") == []
    assert texts(first, "//SpecifiedTaxRegistration/ID/@schemeID") == ["FC"]
    assert texts(first, "//URIUniversalCommunication/URIID") == ["x@example.com"]
    assert texts(first, "//BuyerReference") == texts(second, "//BuyerReference") == []
    assert texts(first, "//IBANID") == texts(second, "//PayeeFinancialAccount") == []
    assert texts(second, "//StreetName") + texts(second, "//CityName") + texts(second, "//PostalZone") == []
    assert texts(second, "//EndpointID") == ["x@example.com"]
    assert texts(second, "//PartyTaxScheme/TaxScheme/ID") == ["FC"]
    nobody = facts.of(*invoice(buyer={"name": "", "email": ""}, details={}))
    assert (nobody.buyer.name, nobody.note) == ("–", "")
    first, second = both(nobody)
    assert texts(first, "//IncludedNote") == texts(second, "Note") == []


def test_an_account_without_its_bank_s_code():
    seller = {**SELLER, "iban": "DE02 1203 0000 0000 2020 51", "bic": ""}
    found = transfer(seller=seller)
    assert found.iban == SELLER["iban"]
    first, second = both(found)
    assert texts(first, "//IBANID") == texts(second, "//PayeeFinancialAccount/ID") == [SELLER["iban"]]
    assert texts(first, "//PayeeSpecifiedCreditorFinancialInstitution") == []
    assert texts(second, "//FinancialInstitutionBranch") == []


def test_what_a_line_gives_back_has_a_quantity_below_zero_and_a_price_above():
    found = transfer(parts=[("4", "kWh", "40", "7.60", "19", "S"), ("2", "", "-10", "-1.90", "19", "S")])
    first, second = found.lines
    assert (first.quantity, first.price, first.net) == (4, 10, 40)
    assert (second.quantity, second.price, second.net, second.unit) == (-2, 5, -10, "C62")
    [nothing] = transfer(parts=[("0", "kWh", "0", "0", "19", "S")]).lines
    assert (nothing.quantity, nothing.price, nothing.net) == (1, 0, 0)
    [odd] = transfer(parts=[("1", "furlong", "1", "0.19", "19", "S")]).lines
    assert odd.unit == "C62"


def test_amounts_have_the_currency_s_places():
    assert transfer().money(D(5)) == "5.00"
    assert transfer(currency="JPY", parts=[("1", "", "412", "41", "10", "S")]).money(D(5)) == "5"
    assert transfer(currency="KWD").money(D(5)) == "5.000"


def test_text_is_in_one_line_and_nothing_that_xml_refuses():
    assert facts.clean(" a\x00b\n\tc\ufffe  d ") == "ab c d"
    assert facts.of(*invoice(number="A\nB")).number == "A B"


def test_the_buyer_of_a_bill_is_not_its_seller():
    """The same details on both sides: only the seller is told by another number."""
    alone = {"name": "Hof", "country": "DE"}
    first, second = both(facts.of(*invoice(seller=alone, buyer=dict(alone))))
    assert texts(first, "//SellerTradeParty/ID") == ["Hof"] and not texts(first, "//BuyerTradeParty/ID")
    assert texts(second, "//PartyIdentification/ID") == ["Hof"]
    assert BUSINESS["vat_id"] not in first.decode()

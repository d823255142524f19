"""The demo's charging network, as data: two operators, six sites, a dozen chargers of mixed temper."""

from __future__ import annotations

from dataclasses import dataclass, field

AC, CCS, CHADEMO = "IEC_62196_T2", "IEC_62196_T2_COMBO", "CHADEMO"

PASSWORD = "charge-it-now"

#: (role shown, e-mail, name, operator's slug or None, membership role or None)
PEOPLE = (
    ("Driver", "driver@example.com", "Dana Driver", None, None),
    ("Another driver", "driver2@example.com", "Deniz Yılmaz", None, None),
    ("Operator", "operator@example.com", "Olga Petersen", "nordlicht", "manager"),
    ("Technician", "technician@example.com", "Timo Wagner", "nordlicht", "technician"),
    ("Accountant", "accountant@example.com", "Anna Brandt", "nordlicht", "accountant"),
    ("Support", "support@example.com", "Sami Haddad", "nordlicht", "support"),
    ("Other operator", "alpen@example.com", "Ada Moser", "alpenstrom", "manager"),
)
ADMIN = ("Administrator", "admin@example.com", "Portal administrator")

OPERATORS = (
    {
        "slug": "nordlicht",
        "name": "Nordlicht Laden",
        "legal_name": "Nordlicht Laden GmbH",
        "party_id": "NLL",
        "street": "Speicherstraße 12",
        "postcode": "20457",
        "city": "Hamburg",
        "country": "DE",
        "vat_id": "DE301234567",
        "support_email": "help@nordlicht.example",
        "support_phone": "+49 40 5550 120",
    },
    {
        "slug": "alpenstrom",
        "name": "Alpenstrom",
        "legal_name": "Alpenstrom Mobilität GmbH",
        "party_id": "ALP",
        "street": "Innrain 8",
        "postcode": "6020",
        "city": "Innsbruck",
        "country": "AT",
        "vat_id": "ATU61234567",
        "support_email": "hilfe@alpenstrom.example",
        "support_phone": "+43 512 555 010",
    },
)


def tariff(
    ident: str, energy: float, idle: float, grace: int, vat: float, party: str, country: str, **additions
) -> dict:
    """kWh and, after a grace, an idle fee per hour; prices with tax."""
    return {
        "country_code": country,
        "party_id": party,
        "id": ident,
        "currency": "EUR",
        "tax_included": "YES",
        "elements": [
            {
                "price_components": [
                    {"type": "ENERGY", "price": energy, "vat": vat, "step_size": 1},
                    {"type": "PARKING_TIME", "price": idle, "vat": vat, "step_size": 60},
                ]
            }
        ],
        "evportal": {"idle_grace_minutes": grace, **additions},
        "last_updated": "2026-01-01T00:00:00Z",
    }


#: operator → {name: OCPI tariff}
TARIFFS = {
    "nordlicht": {
        "Normal charging": tariff("normal", 0.45, 6.0, 30, 19.0, "NLL", "DE"),
        "Fast charging": tariff("fast", 0.59, 12.0, 10, 19.0, "NLL", "DE"),
    },
    "alpenstrom": {
        "Alpin": tariff(
            "alpin", 0.52, 9.0, 15, 20.0, "ALP", "AT",
            groups=[{"group": "plan:gipfel", "discount_percent": 20}],
        )
    },
}  # fmt: skip

#: operator → a plan: key, name, fee, VAT, kWh, text. One has energy in it, the other better prices.
PLANS = {
    "nordlicht": ("polar", "Polar", "14.90", 19, 40, "40 kWh a month at all of our chargers."),
    "alpenstrom": ("gipfel", "Gipfel", "6.90", 20, 0, "20 % off every kWh, on every mountain."),
}


@dataclass(frozen=True)
class Charger:
    identity: str
    name: str
    version: str
    vendor: str
    model: str
    power_kw: int
    connectors: tuple[str, ...]
    tariff: str
    tempers: tuple = ("auto-plug",)
    #: Walk-ins an hour; 0 keeps the charger free for whoever tries the demo.
    visitors: float = 0

    @property
    def is_dc(self) -> bool:
        return self.connectors[0] != AC


@dataclass(frozen=True)
class Place:
    operator: str
    slug: str
    name: str
    street: str
    postcode: str
    city: str
    country: str
    latitude: str
    longitude: str
    time_zone: str
    chargers: tuple[Charger, ...]
    directions: str = ""
    has_accessible_bay: bool = False
    rules: dict = field(default_factory=dict)
    #: Amperes a phase that its chargers share; and by charger, those on a fuse of their own. 0: not managed.
    grid_a: int = 0
    fuses: dict[str, int] = field(default_factory=dict)
    #: Its meters sign their values (OCMF), so that receipts can be checked.
    signs: bool = False


PLACES = (
    Place(
        "nordlicht",
        "berlin-hauptbahnhof",
        "Berlin Hauptbahnhof",
        "Europaplatz 1",
        "10557",
        "Berlin",
        "DE",
        "52.525589",
        "13.369548",
        "Europe/Berlin",
        (
            Charger(
                "NL-BER-01", "Charger 1", "2.0.1", "Alpitronic", "HYC 150", 150, (CCS, CCS), "Fast charging"
            ),
            Charger("NL-BER-02", "Charger 2", "1.6", "ABB", "Terra AC 22", 22, (AC, AC), "Normal charging"),
            Charger(
                "NL-BER-03",
                "Charger 3",
                "1.6",
                "Kempower",
                "S-Series",
                150,
                (CCS, CHADEMO),
                "Fast charging",
                visitors=12,
            ),
        ),
        directions="Parking level P1, entrance from Clara-Jaschke-Straße. The chargers are to the left.",
        has_accessible_bay=True,
        # Who tries the demo should not have to wait for their slot.
        rules={"slot_minutes": 15, "early_start_minutes": 30},
    ),
    Place(
        "nordlicht",
        "hamburg-hafencity",
        "Hamburg HafenCity",
        "Überseeboulevard 5",
        "20457",
        "Hamburg",
        "DE",
        "53.541100",
        "9.999800",
        "Europe/Berlin",
        (
            Charger(
                "NL-HAM-01",
                "Charger 1",
                "2.0.1",
                "Alpitronic",
                "HYC 300",
                300,
                (CCS, CCS),
                "Fast charging",
                visitors=15,
            ),
            Charger(
                "NL-HAM-02",
                "Charger 2",
                "1.6",
                "Compleo",
                "Duo",
                22,
                (AC, AC),
                "Normal charging",
                tempers=("faulty", "auto-plug"),
                visitors=9,
            ),
        ),
        directions="On the river side, under the arcade.",
        # Less than two fast chargers could take: at /ops/load/ they are seen to share it.
        grid_a=160,
        fuses={"NL-HAM-02": 40},
    ),
    Place(
        "nordlicht",
        "muenchen-werksviertel",
        "München Werksviertel",
        "Atelierstraße 10",
        "81671",
        "München",
        "DE",
        "48.123900",
        "11.607600",
        "Europe/Berlin",
        (
            Charger(
                "NL-MUC-01", "Charger 1", "2.1", "Kempower", "T-Series", 200, (CCS, CCS), "Fast charging"
            ),
            Charger(
                "NL-MUC-02",
                "Charger 2",
                "1.6",
                "Keba",
                "KC-P30",
                11,
                (AC,),
                "Normal charging",
                tempers=("flaky", "auto-plug"),
                visitors=9,
            ),
        ),
        has_accessible_bay=True,
    ),
    Place(
        "nordlicht",
        "koeln-deutz",
        "Köln Deutz",
        "Ottoplatz 4",
        "50679",
        "Köln",
        "DE",
        "50.940800",
        "6.974200",
        "Europe/Berlin",
        (
            Charger("NL-CGN-01", "Charger 1", "1.6", "Mennekes", "Amtron", 22, (AC, AC), "Normal charging"),
            Charger(
                "NL-CGN-02",
                "Charger 2",
                "2.0.1",
                "ABB",
                "Terra 184",
                180,
                (CCS, CCS),
                "Fast charging",
                tempers=("slow", "auto-plug"),
                visitors=12,
            ),
        ),
        signs=True,
    ),
    Place(
        "alpenstrom",
        "innsbruck-bahnhof",
        "Innsbruck Bahnhof",
        "Südtiroler Platz 3",
        "6020",
        "Innsbruck",
        "AT",
        "47.263300",
        "11.400900",
        "Europe/Vienna",
        (
            Charger(
                "AS-INN-01",
                "Charger 1",
                "2.0.1",
                "Siemens",
                "Sicharge D",
                160,
                (CCS, CCS),
                "Alpin",
                visitors=12,
            ),
            Charger(
                "AS-INN-02",
                "Charger 2",
                "1.6",
                "Keba",
                "KC-P30",
                22,
                (AC,),
                "Alpin",
                tempers=("no-reservation", "auto-plug"),
            ),
        ),
    ),
    Place(
        "alpenstrom",
        "salzburg-messe",
        "Salzburg Messe",
        "Am Messezentrum 1",
        "5020",
        "Salzburg",
        "AT",
        "47.821700",
        "13.030900",
        "Europe/Vienna",
        (
            Charger(
                "AS-SZG-01",
                "Charger 1",
                "1.6",
                "Wallbe",
                "Pro",
                22,
                (AC, AC),
                "Alpin",
                tempers=("rejecting", "auto-plug"),
                visitors=6,
            ),
        ),
    ),
)

#: Whose cards the demo's passing trade carries: (e-mail, name). Nobody signs in as these.
FLEETS = {
    "nordlicht": ("fleet@hanse-logistik.example", "Hanse Logistik GmbH"),
    "alpenstrom": ("fuhrpark@tirol-taxi.example", "Tirol Taxi GmbH"),
}
#: Their RFID cards, per operator.
VISITOR_TOKENS = {
    "nordlicht": [f"04A1B2C3D4E5{n:02d}" for n in range(1, 9)],
    "alpenstrom": [f"04F1E2D3C4B5{n:02d}" for n in range(1, 5)],
}

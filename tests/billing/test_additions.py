"""Our own additions to tariffs: waivers, holidays, groups; the form's view; two prices compared."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from billing.pricing import (
    Day,
    Tariff,
    TariffError,
    Waiver,
    describe,
    is_free,
    lint,
    plain,
    price,
    quote_usage,
    resolve,
)
from billing.pricing.comparing import compare, pair, samples

D = Decimal
BERLIN = ZoneInfo("Europe/Berlin")
#: A Friday, and a holiday in Germany.
CHRISTMAS = datetime(2026, 12, 25, 9, 0, tzinfo=UTC)


def component(kind, price, step=1):
    return {"type": kind, "price": price, "vat": 19.0, "step_size": step}


def tariff(*elements, **ours):
    return Tariff.from_ocpi(
        {
            "id": "street",
            "currency": "EUR",
            "tax_included": "YES",
            "elements": list(elements)
            or [{"price_components": [component("ENERGY", 0.5), component("FLAT", 1)]}],
        }
        | ({"evportal": ours} if ours else {})
    )


def use(kwh=10, minutes=60, at=CHRISTMAS):
    return quote_usage(at, at + timedelta(minutes=minutes), tz=BERLIN, energy_kwh=D(kwh))


def priced(*components, **restrictions):
    return {"price_components": list(components)} | ({"restrictions": restrictions} if restrictions else {})


# Start fees


@pytest.mark.parametrize(
    ("waiver", "kwh", "minutes", "gross"),
    [
        ({}, 10, 60, "6.00"),
        ({"from_kwh": 10}, 10, 60, "5.00"),
        ({"from_kwh": 10}, "9.999", 60, "6.00"),
        ({"below_kwh": 0.5}, "0.4", 60, "0.20"),
        ({"below_kwh": 0.5}, "0.5", 60, "1.25"),
        ({"within_minutes": 5}, 1, 4, "0.50"),
        ({"within_minutes": 5}, 1, 5, "1.50"),
        ({"from_kwh": 50, "within_minutes": 5}, 1, 4, "0.50"),
    ],
)
def test_when_the_start_fee_is_waived(waiver, kwh, minutes, gross):
    assert price(tariff(start_fee_waiver=waiver), use(kwh, minutes)).gross == D(gross)


def test_the_waiver_is_said():
    lines = [line.text for line in describe(tariff(start_fee_waiver={"below_kwh": 0.5, "from_kwh": 20}))]
    assert lines == ["€0.50 per kWh", "€1.00 per session (not charged below 0.5 kWh or from 20 kWh)"]


# Holidays

WEEKEND = priced(component("ENERGY", 0.4), day_of_week=["SATURDAY", "SUNDAY"])


@pytest.mark.parametrize(
    ("ours", "at", "gross"),
    [
        ({}, CHRISTMAS, "5.00"),
        ({"dates": ["2026-12-25"], "as_day": "SUNDAY"}, CHRISTMAS, "4.00"),
        ({"dates": ["2026-12-26"], "as_day": "SUNDAY"}, CHRISTMAS, "5.00"),
        ({"dates": ["2026-12-25"], "elements": [priced(component("ENERGY", 0.3))]}, CHRISTMAS, "3.00"),
        # Its own prices go before those of the day that it is treated as.
        (
            {"dates": ["2026-12-25"], "as_day": "SUNDAY", "elements": [priced(component("ENERGY", 0.3))]},
            CHRISTMAS,
            "3.00",
        ),
        # From midnight to midnight of the site: half of it on the 25th.
        (
            {"dates": ["2026-12-25"], "elements": [priced(component("ENERGY", 0.3))]},
            datetime(2026, 12, 24, 22, 30, tzinfo=UTC),
            "4.00",
        ),
    ],
)
def test_prices_of_holidays(ours, at, gross):
    document = tariff(WEEKEND, priced(component("ENERGY", 0.5)), **({"holidays": ours} if ours else {}))
    assert price(document, use(at=at)).gross == D(gross)


def test_holidays_are_said_after_what_always_holds():
    ours = {"dates": ["2026-12-25"], "elements": [priced(component("ENERGY", 0.3))]}
    lines = [line.text for line in describe(tariff(priced(component("ENERGY", 0.5)), holidays=ours))]
    assert lines == ["€0.50 per kWh", "€0.30 per kWh, on holidays"]


# Groups

GROUPS = [
    {"group": "staff", "elements": [priced(component("ENERGY", 0))], "no_start_fee": True},
    {"group": "fleet", "elements": [priced(component("ENERGY", 0.4))]},
    {"group": "plan:gold", "discount_percent": 10, "no_start_fee": True, "free_minutes": 30},
]


@pytest.mark.parametrize(
    ("groups", "gross"),
    [
        ([], "6.00"),
        (["nobody"], "6.00"),
        (["fleet"], "5.00"),
        (["plan:gold"], "4.50"),
        # The first one of the tariff that says something counts; the fee is waived by either.
        (["plan:gold", "fleet"], "4.00"),
        (["staff", "fleet"], "0.00"),
    ],
)
def test_prices_of_groups(groups, gross):
    assert price(tariff(groups=GROUPS), use(), groups).gross == D(gross)


def test_what_is_free_for_some_is_not_for_all():
    document = tariff(groups=GROUPS)
    assert is_free(resolve(document, ["staff"]))
    assert not is_free(resolve(document))
    assert not is_free(resolve(document, ["fleet"]))
    assert [line.text for line in describe(document, groups=["staff"])] == ["Free of charge"]
    assert [line.text for line in describe(document)] == ["€0.50 per kWh", "€1.00 per session"]


def test_resolving_twice_changes_nothing():
    document = tariff(groups=GROUPS, holidays={"dates": ["2026-12-25"], "elements": [WEEKEND]})
    once = resolve(document, ["plan:gold"])
    assert resolve(once, ["plan:gold"]) == once


def test_others_read_the_public_price_and_ours_is_written_back():
    written = tariff(
        groups=GROUPS,
        holidays={"dates": ["2026-12-25"], "as_day": "SUNDAY", "elements": [WEEKEND], "source": "DE-BE"},
        start_fee_waiver={"from_kwh": 20, "note": None},
        free_minutes=5,
        colour="red",
    ).to_ocpi()
    assert Tariff.from_ocpi(written).to_ocpi() == written
    assert [part["type"] for part in written["elements"][0]["price_components"]] == ["ENERGY", "FLAT"]
    assert len(written["elements"]) == 1


@pytest.mark.parametrize(
    ("ours", "path"),
    [
        ({"groups": [{"group": ""}]}, "evportal.groups[0].group"),
        ({"groups": [{"group": "a"}, {"group": "a"}]}, "evportal.groups[1].group"),
        ({"groups": [{"group": "a", "discount_percent": 101}]}, "evportal.groups[0].discount_percent"),
        ({"groups": [{"group": "a", "no_start_fee": "yes"}]}, "evportal.groups[0].no_start_fee"),
        ({"holidays": {"dates": ["25.12.2026"]}}, "evportal.holidays.dates"),
        ({"holidays": {"dates": ["2026-01-01"] * 401}}, "evportal.holidays.dates"),
        ({"start_fee_waiver": {"from_kwh": -1}}, "evportal.start_fee_waiver.from_kwh"),
        (
            {"groups": [{"group": "a", "elements": [{"price_components": []}]}]},
            "evportal.groups[0].elements[0].price_components",
        ),
    ],
)
def test_what_cannot_be_read_is_named(ours, path):
    with pytest.raises(TariffError) as refusal:
        tariff(**ours)
    assert refusal.value.path == path


# What the check says


def codes(document, power=22_000):
    return [(finding.code, finding.path) for finding in lint(document, power)]


def test_the_check_looks_at_groups_and_holidays():
    no_tax = {"price_components": [{"type": "ENERGY", "price": 0.3, "step_size": 1}]}
    assert codes(tariff(groups=[{"group": "a", "elements": [no_tax]}])) == [
        ("tax_missing", "evportal.groups[0].elements[0].price_components[0].vat")
    ]
    assert codes(tariff(groups=[{"group": "a"}])) == [("group_without_prices", "evportal.groups[0]")]
    assert codes(tariff(holidays={"dates": ["2026-12-25"]})) == [
        ("holidays_unused", "evportal.holidays.dates")
    ]
    ours = {"dates": ["2026-12-25"], "elements": [priced(component("ENERGY", 0.3))]}
    assert codes(tariff(holidays=ours)) == []
    assert ("holidays_missing", "evportal.holidays.dates") in codes(tariff(holidays=ours | {"dates": []}))


def test_a_start_fee_on_holidays_is_one_too():
    document = tariff(
        priced(component("ENERGY", 0.5)),
        holidays={"dates": ["2026-12-25"], "elements": [priced(component("FLAT", 1))]},
    )
    assert ("afir_components", "evportal.holidays.elements[0].price_components[0]") in codes(document, 50_000)
    theirs = tariff(
        priced(component("ENERGY", 0.5)),
        groups=[{"group": "a", "elements": [priced(component("FLAT", 1))]}],
    )
    assert codes(theirs, 50_000) == []


def test_two_prices_at_once():
    night = priced(component("ENERGY", 0.3), start_time="20:00", end_time="08:00")
    morning = priced(component("ENERGY", 0.4), start_time="06:00", end_time="10:00")
    base = priced(component("ENERGY", 0.5))
    assert codes(tariff(night, morning, base)) == [("overlap", "elements[1]")]
    assert codes(tariff(night, base)) == []


# The form


def letters(**hours):
    """B on these days and hours: letters(MON="0-6")."""
    week = ["A"] * 168
    for day, span in hours.items():
        begin, end = map(int, span.split("-"))
        for hour in range(begin, end):
            week[["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"].index(day) * 24 + hour] = "B"
    return "".join(week)


BASE = tariff(priced(component("ENERGY", 0.45), component("PARKING_TIME", 5.0, 60)), idle_grace_minutes=10)
TWO = (plain.Rate(D("0.45")), plain.Rate(D("0.35")))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"rates": TWO, "week": letters(MON="0-6", SUN="0-24")},
        {"rates": TWO, "week": letters(MON="7-9", TUE="7-9", WED="12-13")},
        {"rates": (*TWO, plain.Rate(D("0.2"), D(6))), "week": letters(MON="0-1")[:-1] + "C"},
        {"start_fee": D(1), "waiver": Waiver(from_kwh=D(20))},
        {"idle_from": 8, "idle_until": 20, "free_minutes": 15},
        {"idle_hour": None, "idle_grace_minutes": None},
        {"min_price": D(1), "max_price": D("49.90")},
        {"vat": None},
        {"holidays": (date(2026, 12, 25),), "holidays_as": Day.SUNDAY},
        {"holidays": (date(2026, 12, 25),), "holiday_rate": plain.Rate(D("0.2"))},
        {"groups": (plain.Group("a", plain.Rate(D("0.1"))), plain.Group("b", no_start_fee=True))},
    ],
)
def test_what_the_form_says_is_what_it_shows_again(changes):
    wanted = replace(plain.of(BASE), **changes)
    written = Tariff.from_ocpi(plain.to_tariff(wanted, BASE).to_ocpi())
    assert plain.of(written) == wanted


def test_a_tariff_that_nobody_changed_is_the_same():
    document = tariff(
        priced(component("ENERGY", 0.45), start_time="00:00", end_time="00:00"),
        priced(component("FLAT", 2), reservation="RESERVATION"),
    )
    assert plain.to_tariff(plain.of(document), document) is document


def test_hours_over_midnight_are_one_price():
    week = letters(**dict.fromkeys(("MON", "TUE"), "22-24"))
    week = "".join("B" if index % 24 < 6 and index < 48 else sign for index, sign in enumerate(week))
    written = plain.to_tariff(replace(plain.of(BASE), rates=TWO, week=week), BASE)
    lines = [line.text for line in describe(written)]
    assert lines[:2] == ["€0.35 per kWh, Mon–Tue 22:00–06:00", "€0.45 per kWh"]


def test_the_form_keeps_what_it_does_not_show():
    base = Tariff.from_ocpi(
        BASE.to_ocpi()
        | {
            "country_code": "DE",
            "colour": "red",
            "elements": [
                *BASE.to_ocpi()["elements"],
                priced(component("TIME", 3), reservation="RESERVATION"),
            ],
        }
    )
    written = plain.to_tariff(replace(plain.of(base), start_fee=D(1)), base).to_ocpi()
    assert (written["country_code"], written["colour"]) == ("DE", "red")
    assert written["elements"][-1] == priced(component("TIME", 3), reservation="RESERVATION")
    # Steps too, and a price per hour that is no round one per minute.
    assert component("PARKING_TIME", 5.0, 60) in written["elements"][0]["price_components"]


@pytest.mark.parametrize(
    "elements",
    [
        [priced(component("ENERGY", 0.4), min_kwh=10)],
        [priced(component("ENERGY", 0.4), start_time="08:30")],
        [{"price_components": [component("ENERGY", 0.4) | {"vat": 7}, component("FLAT", 1)]}],
        [priced(component("FLAT", 1), day_of_week=["MONDAY"])],
        [priced(component("ENERGY", 0.4) | {"colour": "red"})],
        [priced(component("ENERGY", hour / 10), start_time=f"{hour:02}:00", end_time=f"{hour + 1:02}:00")
         for hour in range(8)],
    ],
)  # fmt: skip
def test_what_the_form_cannot_show(elements):
    with pytest.raises(plain.NotPlain):
        plain.of(tariff(*elements))


def test_a_limit_with_tax_is_reached_to_the_cent():
    document = plain.to_tariff(replace(plain.of(BASE), max_price=D("10.00"), min_price=D("5.00")), BASE)
    assert price(document, use(kwh=60)).gross == D("10.00")
    assert price(document, use(kwh=1)).gross == D("5.00")


# Old and new


def test_lines_are_beside_their_like():
    old = tariff(priced(component("ENERGY", 0.5), component("FLAT", 1)))
    new = tariff(priced(component("ENERGY", 0.4), component("TIME", 6)))
    found = compare(old, new, use(kwh=10, minutes=30))
    assert [(each.description, each.difference) for each in found.lines] == [
        ("Energy", D("-1.00")),
        ("Charging time", D("3.00")),
        ("Start fee", D("-1.00")),
    ]
    assert found.difference == sum(each.difference for each in found.lines) == D("1.00")


def test_a_price_of_some_hours_stands_beside_the_one_before():
    old = price(tariff(priced(component("ENERGY", 0.5))), use())
    hours = tariff(
        priced(component("ENERGY", 0.3), start_time="00:00", end_time="12:00"),
        priced(component("ENERGY", 0.5)),
    )
    found = pair(old.lines, price(hours, use()).lines)
    assert [(each.old is not None, each.new is not None) for each in found] == [(True, True)]


def test_samples_are_whole_sessions():
    found = samples(CHRISTMAS, BERLIN)
    assert [each.key for each in found] == ["city", "long", "night", "idle", "broken"]
    assert all(compare(None, BASE, each.usage).new.gross > 0 for each in found)

"""The engine beyond the standard's examples: restrictions, clocks that jump, limits, tax, properties."""

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from billing.pricing import (
    Day,
    Dimension,
    Kind,
    Period,
    PriceComponent,
    PriceLimit,
    Reservation,
    ReservationKind,
    Tariff,
    TariffElement,
    TariffRestrictions,
    TaxIncluded,
    Usage,
    UsageError,
    price,
    quote_usage,
    usage_from_readings,
)
from billing.pricing.moments import Moment, applies
from billing.pricing.tariff import Additions

D = Decimal
BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
NOON = datetime(2026, 3, 2, 12, tzinfo=BERLIN)  # a Monday


def a_tariff(*elements, tax=TaxIncluded.NO, currency="EUR", grace=None, free=None, **fields):
    """Elements are a price component, or a tuple of one and its restrictions as keywords."""
    built = []
    for element in elements:
        component, when = element if isinstance(element, tuple) else (element, None)
        built.append(TariffElement((component,), TariffRestrictions(**when) if when else None))
    additions = Additions(grace, free) if grace or free else None
    return Tariff("t", currency, tuple(built), tax, additions=additions, **fields)


def kwh(amount, vat=None, step=1):
    return PriceComponent(Dimension.ENERGY, D(amount), None if vat is None else D(vat), step)


def hour(amount, vat=None, step=1):
    return PriceComponent(Dimension.TIME, D(amount), None if vat is None else D(vat), step)


def parked(amount, vat=None, step=1):
    return PriceComponent(Dimension.PARKING_TIME, D(amount), None if vat is None else D(vat), step)


def fee(amount, vat=None):
    return PriceComponent(Dimension.FLAT, D(amount), None if vat is None else D(vat))


def a_session(*parts, start=NOON, tz=BERLIN, reservation=None):
    """Parts are (minutes, Wh)."""
    at, periods = start.astimezone(UTC), []
    for minutes, wh in parts:
        periods.append(Period(at, at + timedelta(minutes=minutes), wh, charging=wh > 0))
        at = periods[-1].end
    return Usage(start.astimezone(UTC), at, tz, tuple(periods), reservation)


def amounts(priced):
    return {(line.kind.value, line.quantity, line.net) for line in priced.lines}


# Restrictions


@pytest.mark.parametrize(
    ("when", "local", "expected"),
    [
        ({"start_time": time(8), "end_time": time(20)}, "2026-03-02T08:00", True),
        ({"start_time": time(8), "end_time": time(20)}, "2026-03-02T20:00", False),
        ({"start_time": time(22), "end_time": time(6)}, "2026-03-02T23:30", True),
        ({"start_time": time(22), "end_time": time(6)}, "2026-03-02T05:59", True),
        ({"start_time": time(22), "end_time": time(6)}, "2026-03-02T06:00", False),
        ({"start_time": time(20), "end_time": time(0)}, "2026-03-02T23:59", True),
        ({"start_time": time(20), "end_time": time(0)}, "2026-03-02T00:00", False),
        ({"start_time": time(20)}, "2026-03-02T19:59", False),
        ({"end_time": time(6)}, "2026-03-02T05:00", True),
        ({"start_time": time(0), "end_time": time(0)}, "2026-03-02T13:00", True),
        ({"start_time": time(9), "end_time": time(9)}, "2026-03-02T13:00", True),
        ({"start_date": date(2026, 3, 2)}, "2026-03-02T00:00", True),
        ({"start_date": date(2026, 3, 2)}, "2026-03-01T23:59", False),
        ({"end_date": date(2026, 3, 2)}, "2026-03-02T00:00", False),
        ({"end_date": date(2026, 3, 2)}, "2026-03-01T23:59", True),
        ({"day_of_week": (Day.MONDAY,)}, "2026-03-02T12:00", True),
        ({"day_of_week": (Day.SUNDAY, Day.TUESDAY)}, "2026-03-02T12:00", False),
        ({"min_kwh": D(5)}, "2026-03-02T12:00", True),
        ({"max_kwh": D(5)}, "2026-03-02T12:00", False),
        ({"min_power": D(11)}, "2026-03-02T12:00", True),
        ({"max_power": D(11)}, "2026-03-02T12:00", False),
        ({"min_current": D(16)}, "2026-03-02T12:00", True),
        ({"max_current": D(16)}, "2026-03-02T12:00", False),
        ({"min_duration": 600}, "2026-03-02T12:00", True),
        ({"max_duration": 600}, "2026-03-02T12:00", False),
        ({"reservation": ReservationKind.RESERVATION}, "2026-03-02T12:00", False),
        ({"min_kwh": D(5), "day_of_week": (Day.TUESDAY,)}, "2026-03-02T12:00", False),
    ],
)
def test_lower_bounds_include_and_upper_bounds_do_not(when, local, expected):
    moment = Moment(datetime.fromisoformat(local), Fraction(5), Fraction(600), Fraction(11), Fraction(16))
    assert applies(TariffRestrictions(**when), moment) is expected


def test_energy_is_cut_at_a_threshold_within_a_period():
    tiers = a_tariff(
        (kwh("0.30"), {"max_kwh": D(10)}), (kwh("0.50"), {"min_kwh": D(10), "max_kwh": D(15)}), kwh(1)
    )
    assert amounts(price(tiers, a_session((60, 18_000)))) == {
        ("ENERGY", D(10), D("3.00")),
        ("ENERGY", D(5), D("2.50")),
        ("ENERGY", D(3), D("3.00")),
    }


def test_a_time_price_may_depend_on_energy():
    slow = a_tariff((hour(6), {"max_kwh": D(5)}), hour(12))
    assert amounts(price(slow, a_session((60, 20_000)))) == {
        ("TIME", D(15), D("1.50")),
        ("TIME", D(45), D(9)),
    }


def test_a_night_price_over_midnight():
    night = a_tariff((kwh("0.20"), {"start_time": time(22), "end_time": time(6)}), kwh("0.40"))
    priced = price(night, a_session((600, 10_000), start=NOON.replace(hour=21)))
    assert amounts(priced) == {("ENERGY", D(8), D("1.60")), ("ENERGY", D(2), D("0.80"))}


def test_the_element_that_applies_is_looked_up_for_each_dimension():
    tariff = Tariff(
        "t",
        "EUR",
        (
            TariffElement((kwh("0.20"),), TariffRestrictions(max_duration=1800)),
            TariffElement((hour(6),), TariffRestrictions(min_duration=1800)),
            TariffElement((kwh("0.40"), hour(60))),
        ),
        TaxIncluded.NO,
    )
    assert amounts(price(tariff, a_session((60, 10_000)))) == {
        ("ENERGY", D(5), D("1.00")),
        ("ENERGY", D(5), D("2.00")),
        ("TIME", D(30), D("3.00")),
        ("TIME", D(30), D("30.00")),
    }


def test_what_no_element_prices_is_free():
    day = a_tariff((kwh("0.40"), {"start_time": time(8), "end_time": time(12)}))
    assert price(day, a_session((60, 10_000))).lines == ()


def test_a_fee_is_paid_once_by_the_first_that_applies():
    fees = a_tariff((fee("0.50"), {"end_time": time(13)}), fee("0.25"))
    assert price(fees, a_session((120, 10_000))).net == D("0.50")


def test_current_is_reckoned_from_power_where_the_meter_gives_none():
    tariff = a_tariff((hour(1), {"max_current": D(32)}), (hour(2), {"min_current": D(32)}))
    assert price(tariff, a_session((60, 7_000))).net == D(1)
    assert price(tariff, a_session((60, 11_000))).net == D(2)


def test_a_reservation_takes_prices_for_its_own_hours_and_never_the_sessions():
    tariff = a_tariff(
        (hour(6), {"reservation": ReservationKind.RESERVATION, "end_time": time(12)}), hour(60), kwh("0.10")
    )
    reserved = Reservation(NOON - timedelta(minutes=30), NOON + timedelta(minutes=30))
    usage = a_session((60, 10_000), start=NOON + timedelta(minutes=30), reservation=reserved)
    assert amounts(price(tariff, usage)) == {
        ("RESERVATION", D(30), D("3.00")),
        ("TIME", D(60), D("60.00")),
        ("ENERGY", D(10), D("1.00")),
    }


def test_expiry_takes_the_place_of_the_reservation_wherever_it_stands():
    tariff = a_tariff(
        (hour(3), {"reservation": ReservationKind.RESERVATION}),
        (hour(6), {"reservation": ReservationKind.RESERVATION_EXPIRES}),
        min_price=PriceLimit(D(50)),
    )
    expired = Usage(NOON, NOON, BERLIN, (), Reservation(NOON - timedelta(hours=1), NOON, expired=True))
    # The minimum price is a charging session's.
    assert price(tariff, expired).net == D(6)


# Our own additions


def test_the_grace_before_idle_fees():
    tariff = a_tariff(kwh("0.45"), parked(12, step=60), grace=10)
    assert price(tariff, a_session((60, 20_000), (10, 0))).net == D("9.00")
    assert price(tariff, a_session((60, 20_000), (25, 0))).net == D("12.00")


def test_the_grace_is_given_once_though_the_car_tops_itself_up():
    tariff = a_tariff(parked(12, step=60), grace=10)
    assert price(tariff, a_session((60, 20_000), (6, 0), (2, 100), (6, 0), (5, 50), (3, 0))).net == D("1.00")


def test_the_first_minutes_are_free_of_any_time_price():
    tariff = a_tariff(hour(6), parked(60), free=30)
    assert price(tariff, a_session((20, 5_000), (20, 0))).net == D("10.00")
    assert price(tariff, a_session((40, 5_000))).net == D("1.00")


# Days on which the clock jumps

NIGHT = {"start_time": time(2), "end_time": time(3)}


@pytest.mark.parametrize(
    ("tz", "start", "hours", "when", "minutes"),
    [
        (BERLIN, datetime(2026, 3, 29), 23, {"start_time": time(0), "end_time": time(0)}, 23 * 60),
        (BERLIN, datetime(2026, 10, 25), 25, {"day_of_week": (Day.SUNDAY,)}, 25 * 60),
        # 02:00 to 03:00 isn't on the clock in March, and is twice in October.
        (BERLIN, datetime(2026, 3, 29), 6, NIGHT, 0),
        (BERLIN, datetime(2026, 10, 25), 6, NIGHT, 120),
        (BERLIN, datetime(2026, 3, 29), 6, {"start_time": time(2, 30), "end_time": time(4)}, 60),
        (BERLIN, datetime(2026, 10, 25), 6, {"start_time": time(2, 30), "end_time": time(4)}, 120),
        # Half an hour each way: at 02:00 to 02:30 in October, at 02:00 to 01:30 in April.
        (LORD_HOWE, datetime(2026, 10, 4), 6, NIGHT, 30),
        (LORD_HOWE, datetime(2026, 4, 5), 6, {"start_time": time(1, 30), "end_time": time(2)}, 60),
        (LORD_HOWE, datetime(2026, 4, 5), 24, {"day_of_week": (Day.SUNDAY,)}, 24 * 60),
        (LORD_HOWE, datetime(2026, 4, 5), 25, {"day_of_week": (Day.SUNDAY,)}, 24 * 60 + 30),
    ],
)
def test_hours_on_a_day_on_which_the_clock_jumps(tz, start, hours, when, minutes):
    usage = a_session((hours * 60, 10_000), start=start.replace(tzinfo=tz), tz=tz)
    lines = price(a_tariff((hour(60), when)), usage).lines
    assert sum(line.quantity for line in lines) == minutes


# Tax and limits


def test_prices_that_include_tax():
    priced = price(
        a_tariff(kwh("0.45", "19"), parked(12, "19"), tax=TaxIncluded.YES), a_session((60, 20_000), (5, 0))
    )
    assert [(line.net, line.tax, line.gross) for line in priced.lines] == [
        (D("7.56"), D("1.44"), D("9.00")),
        (D("0.84"), D("0.16"), D("1.00")),
    ]
    assert (priced.net, priced.tax, priced.gross) == (D("8.40"), D("1.60"), D("10.00"))
    assert priced.tax_known


def test_without_tax_there_is_none():
    priced = price(a_tariff(kwh("0.45", "19"), tax=TaxIncluded.N_A), a_session((60, 20_000)))
    assert (priced.net, priced.tax, priced.gross) == (D("9.00"), D(0), D("9.00"))
    assert priced.lines[0].vat is None
    assert priced.tax_known


def test_a_missing_rate_is_told():
    assert not price(a_tariff(kwh("0.45")), a_session((60, 20_000))).tax_known


def test_taxes_are_summed_up_per_rate():
    priced = price(a_tariff(fee(1, "7"), kwh("0.50", "19"), hour(1, "19")), a_session((60, 20_000)))
    assert [(part.vat, part.net, part.tax, part.gross) for part in priced.taxes] == [
        (D(19), D("11.00"), D("2.09"), D("13.09")),
        (D(7), D("1.00"), D("0.07"), D("1.07")),
    ]
    assert priced.to_ocpi_price() == {
        "before_taxes": 12.0,
        "taxes": [
            {"name": "VAT", "percentage": 19.0, "amount": 2.09},
            {"name": "VAT", "percentage": 7.0, "amount": 0.07},
        ],
    }


@pytest.mark.parametrize(("currency", "net"), [("JPY", "413"), ("EUR", "412.50"), ("KWD", "412.500")])
def test_lines_are_rounded_to_the_currencys_smallest_unit(currency, net):
    assert str(price(a_tariff(kwh("27.5"), currency=currency), a_session((60, 15_000))).net) == net


@pytest.mark.parametrize(
    ("limits", "net", "gross"),
    [
        ({"max_price": (8, None)}, "8.00", "9.52"),
        ({"max_price": (100, 8)}, "6.72", "8.00"),
        ({"max_price": (8, 8)}, "6.72", "8.00"),
        ({"max_price": (0, None)}, "0.00", "0.00"),
        ({"min_price": (20, None)}, "20.00", "23.80"),
        ({"min_price": (1, 20)}, "16.81", "20.00"),
        ({"min_price": (1, 1), "max_price": (50, 50)}, "10.00", "11.90"),
        # What can't both be: the driver never pays more than the maximum.
        ({"min_price": (20, None), "max_price": (5, None)}, "5.00", "5.95"),
    ],
)
def test_limits_hold_on_both_sides_of_tax(limits, net, gross):
    fields = {
        name: PriceLimit(D(before), None if after is None else D(after))
        for name, (before, after) in limits.items()
    }
    priced = price(a_tariff(kwh("0.50", "19"), **fields), a_session((60, 20_000)))
    assert (str(priced.net), str(priced.gross)) == (net, gross)
    if limits.keys() == {"max_price"}:
        adjustment = priced.lines[-1]
        assert adjustment.kind is Kind.MAX_PRICE
        assert adjustment.gross == priced.gross - D("11.90")


# Usage


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: Usage(NOON, NOON - timedelta(1), BERLIN), "ends before it starts"),
        (lambda: Usage(NOON.replace(tzinfo=None), NOON, BERLIN), "time zone"),
        (lambda: a_session((60, -1)), "negative"),
        (lambda: Usage(NOON, NOON, BERLIN, (Period(NOON, NOON + timedelta(1)),)), "last period"),
        (lambda: Usage(NOON, NOON, BERLIN, (Period(NOON - timedelta(1), NOON),)), "without gap"),
        (lambda: Usage(NOON, NOON, BERLIN, (), Reservation(NOON, NOON - timedelta(1))), "reservation ends"),
        (
            lambda: a_session((1, 1), reservation=Reservation(NOON, NOON, expired=True)),
            "has no session after it",
        ),
        (lambda: quote_usage(NOON, tz=BERLIN, energy_kwh=20), "needs an end"),
        (lambda: quote_usage(NOON, NOON + timedelta(1), tz=BERLIN), "energy or power"),
        (lambda: quote_usage(NOON, NOON - timedelta(1), tz=BERLIN, power_w=1), "ends before"),
        (lambda: quote_usage(NOON, tz=BERLIN, energy_kwh=-20, power_w=1), "negative"),
        (lambda: usage_from_readings(NOON, NOON, 10, 9, [], BERLIN), "lower at the end"),
    ],
)
def test_use_that_makes_no_sense_is_refused_with_a_sentence(build, sentence):
    with pytest.raises(UsageError, match=sentence):
        build()


def test_an_estimate_for_so_much_energy():
    usage = quote_usage(NOON, tz=BERLIN, energy_kwh=20, power_w=10_000)
    assert (usage.end - usage.start, usage.energy_wh) == (timedelta(hours=2), 20_000)
    assert price(a_tariff(kwh("0.59")), usage).gross == D("11.80")


def test_an_estimate_for_a_slot():
    usage = quote_usage(NOON, NOON + timedelta(hours=2), tz=BERLIN, power_w=11_000)
    assert usage.energy_wh == 22_000
    full = quote_usage(NOON, NOON + timedelta(hours=2), tz=BERLIN, energy_kwh=11, power_w=11_000)
    assert (full.charging_time, full.parking_time) == (timedelta(hours=1), timedelta(hours=1))
    more = quote_usage(NOON, NOON + timedelta(hours=2), tz=BERLIN, energy_kwh=50, power_w=11_000)
    assert (more.charging_time, more.parking_time) == (timedelta(hours=2), timedelta())
    none = quote_usage(NOON, NOON + timedelta(hours=2), tz=BERLIN, energy_kwh=0)
    assert (none.charging_time, none.parking_time) == (timedelta(), timedelta(hours=2))


def at(minutes):
    return NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("stop", "readings", "expected"),
    [
        (7_000, [], [(60, 6_000, True)]),
        (1_000, [], [(60, 0, False)]),
        # 6 kWh in half an hour, then 10 Wh in another: noise, though the energy counts.
        (7_010, [(30, 7_000)], [(30, 6_000, True), (30, 10, False)]),
        (7_000, [(15, 1_000), (45, 7_000)], [(15, 0, False), (30, 6_000, True), (15, 0, False)]),
        # Readings from outside the session, out of order, twice at one instant, and above the final register.
        (
            7_000,
            [(45, 9_000), (-5, 900), (90, 8_000), (30, 4_000), (30, 3_000)],
            [(30, 3_000, True), (15, 3_000, True), (15, 0, False)],
        ),
    ],
)
def test_periods_from_readings(stop, readings, expected):
    usage = usage_from_readings(NOON, at(60), 1_000, stop, [(at(m), wh) for m, wh in readings], BERLIN)
    found = [((p.end - p.start) // timedelta(minutes=1), p.energy_wh, p.charging) for p in usage.periods]
    assert found == expected
    assert usage.energy_wh == stop - 1_000


def test_a_session_that_has_just_begun_costs_its_fee():
    usage = usage_from_readings(NOON, NOON, 1_000, 1_000, [], BERLIN)
    assert price(a_tariff(fee("0.50"), kwh(1)), usage).gross == D("0.50")


# Properties

PRICES = st.integers(0, 5_000).map(lambda cents: D(cents) / 100)
RATES = st.sampled_from([None, D(0), D(7), D(19), D("5.2")])
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
KWH = st.integers(0, 300).map(lambda tenths: D(tenths) / 10)
SECONDS = st.integers(0, 600).map(lambda minutes: minutes * 60)
RESTRICTIONS = st.fixed_dictionaries(
    {},
    optional={
        "start_time": TIMES,
        "end_time": TIMES,
        "start_date": st.dates(date(2026, 3, 27), date(2026, 3, 31)),
        "end_date": st.dates(date(2026, 3, 27), date(2026, 3, 31)),
        "min_kwh": KWH,
        "max_kwh": KWH,
        "min_power": st.integers(0, 12).map(D),
        "max_power": st.integers(0, 12).map(D),
        "min_current": st.integers(0, 50).map(D),
        "max_current": st.integers(0, 50).map(D),
        "min_duration": SECONDS,
        "max_duration": SECONDS,
        "day_of_week": st.lists(st.sampled_from(list(Day)), min_size=1, unique=True).map(tuple),
    },
)
COMPONENTS = st.lists(
    st.builds(
        PriceComponent,
        type=st.sampled_from(list(Dimension)),
        price=PRICES,
        vat=RATES,
        step_size=st.sampled_from([0, 1, 60, 300, 900, 1000]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda component: component.type,
).map(tuple)
ELEMENTS = st.lists(
    st.builds(
        TariffElement,
        price_components=COMPONENTS,
        restrictions=st.one_of(st.none(), RESTRICTIONS.map(lambda fields: TariffRestrictions(**fields))),
    ),
    min_size=1,
    max_size=5,
).map(tuple)
LIMITS = st.one_of(
    st.none(), st.builds(PriceLimit, before_taxes=PRICES, after_taxes=st.one_of(st.none(), PRICES))
)
TARIFFS = st.builds(
    Tariff,
    id=st.just("t"),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
    elements=ELEMENTS,
    tax_included=st.sampled_from(list(TaxIncluded)),
    min_price=LIMITS,
    max_price=LIMITS,
    additions=st.one_of(
        st.none(),
        st.builds(Additions, idle_grace_minutes=st.integers(0, 60), free_minutes=st.integers(0, 60)),
    ),
)


@st.composite
def sessions(draw):
    """Whole minutes, and whole 100 Wh a minute, around nights on which clocks jump."""
    tz = draw(st.sampled_from([BERLIN, LORD_HOWE]))
    start = datetime(2026, 3, 28, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 3 * 24 * 60)))
    shift = draw(st.sampled_from([timedelta(), timedelta(days=7), timedelta(days=210), timedelta(days=189)]))
    parts = draw(
        st.lists(st.tuples(st.integers(1, 240), st.sampled_from([0, 100, 200])), min_size=1, max_size=4)
    )
    return a_session(*((minutes, minutes * rate) for minutes, rate in parts), start=start + shift, tz=tz)


@settings(max_examples=60)
@given(TARIFFS, sessions())
def test_lines_add_up(tariff, usage):
    priced = price(tariff, usage)
    unit = D(1) / 10 ** {"EUR": 2, "JPY": 0, "KWD": 3}[tariff.currency]
    for line in priced.lines:
        assert line.net + line.tax == line.gross
        assert line.net % unit == line.gross % unit == 0
        assert abs(line.tax - line.net * (line.vat or 0) / 100) < 2 * unit
    for name in ("net", "tax", "gross"):
        total = getattr(priced, name)
        assert total == sum(getattr(line, name) for line in priced.lines)
        assert total == sum(getattr(part, name) for part in priced.taxes)
    assert priced.net >= 0
    exact = sum((Fraction(part.net) * Fraction(part.vat or 0) / 100 for part in priced.taxes), Fraction())
    assert abs(exact - Fraction(priced.tax)) <= Fraction(unit)


@settings(max_examples=60)
@given(TARIFFS, sessions())
def test_limits_are_kept(tariff, usage):
    priced = price(tariff, usage)
    high, low = tariff.max_price, tariff.min_price
    unit = D(1) / 10 ** {"EUR": 2, "JPY": 0, "KWD": 3}[tariff.currency]
    taxed = tariff.tax_included is not TaxIncluded.N_A
    if high:
        assert priced.net <= high.before_taxes + unit / 2
        if taxed and high.after_taxes is not None:
            assert priced.gross <= high.after_taxes + unit / 2
    if low and not high:
        assert priced.net >= low.before_taxes - unit / 2
        if taxed and low.after_taxes is not None:
            assert priced.gross >= low.after_taxes - unit / 2


@settings(max_examples=60)
@given(TARIFFS, sessions(), st.data())
def test_a_period_told_in_two_parts_costs_the_same(tariff, usage, data):
    index = data.draw(st.integers(0, len(usage.periods) - 1))
    period = usage.periods[index]
    seconds = (period.end - period.start) // timedelta(seconds=1)
    assume(seconds > 1)
    first = data.draw(st.integers(1, seconds - 1))
    middle = period.start + timedelta(seconds=first)
    # Energy in sixtieths of 100 Wh has no finite Decimal: cut where it has one.
    energy = Fraction(period.energy_wh) * first / seconds
    assume(Fraction(D(energy.numerator) / D(energy.denominator)) == energy)
    wh = D(energy.numerator) / D(energy.denominator)
    halves = (
        Period(period.start, middle, wh, period.charging),
        Period(middle, period.end, period.energy_wh - wh, period.charging),
    )
    periods = (*usage.periods[:index], *halves, *usage.periods[index + 1 :])
    assert price(tariff, Usage(usage.start, usage.end, usage.tz, periods)) == price(tariff, usage)


@settings(max_examples=60)
@given(TARIFFS)
def test_a_tariff_survives_its_json_form(tariff):
    assert Tariff.from_ocpi(tariff.to_ocpi()) == tariff


@given(
    st.integers(0, 200_000),
    st.integers(0, 200_000),
    st.sampled_from([1, 100, 1000]),
    st.sampled_from(list(TaxIncluded)),
)
def test_more_energy_never_costs_less(one, other, step, tax):
    less, more = sorted((one, other))
    tariff = a_tariff(
        fee("0.50", "7"), kwh("0.4321", "19", step), tax=tax, max_price=PriceLimit(D(50), D(55))
    )
    costs = [price(tariff, a_session((60, wh))) for wh in (less, more)]
    assert costs[0].net <= costs[1].net
    assert costs[0].gross <= costs[1].gross


def minute_by_minute(tariff, usage):
    """The same sum the slow way: every half minute by itself, no cutting, no step size, no rounding."""
    total, half, wh, idle, paid = Fraction(), 0, Fraction(), 0, False
    free, grace = 2 * (tariff.own.free_minutes or 0), 2 * (tariff.own.idle_grace_minutes or 0)
    for period in usage.periods:
        halves = (period.end - period.start) // timedelta(seconds=30)
        gain = Fraction(period.energy_wh) / halves
        power = gain * 120
        for _ in range(halves):
            moment = Moment(
                (usage.start + timedelta(seconds=half * 30)).astimezone(usage.tz),
                wh / 1000,
                Fraction(half * 30),
                power / 1000,
                power / 230,
            )
            used = {Dimension.ENERGY: gain / 1000}
            if half >= free and (period.charging or idle >= grace):
                used[Dimension.TIME if period.charging else Dimension.PARKING_TIME] = Fraction(1, 120)
            if not paid:
                used[Dimension.FLAT] = Fraction(1)
            for dimension, quantity in used.items():
                for element in tariff.elements:
                    component = element.component(dimension)
                    if component and applies(element.when, moment):
                        total += quantity * Fraction(component.price)
                        paid = paid or dimension is Dimension.FLAT
                        break
            half += 1
            wh += gain
            idle += not period.charging
    return total


@settings(max_examples=60)
@given(TARIFFS, sessions())
def test_the_same_minute_by_minute(tariff, usage):
    elements = tuple(
        TariffElement(
            tuple(PriceComponent(part.type, part.price, part.vat, 0) for part in element.price_components),
            element.restrictions,
        )
        for element in tariff.elements
    )
    plain = Tariff("t", "EUR", elements, TaxIncluded.N_A, additions=tariff.additions)
    priced = price(plain, usage)
    # Each line is rounded once.
    assert math.isclose(
        priced.gross, minute_by_minute(plain, usage), abs_tol=0.005 * len(priced.lines) + 1e-9
    )

"""What drivers' questions for free slots take, through the API as a web process answers them.

One site of 20 EVSEs over 14 days in half hours with 5,000 bookings, and the first free slot of 500 sites.
Prints the p95 of each in milliseconds.

Run by `tests.bench` with the bench portal's environment: `python -m tests.bench.availability [--profile]`.
"""

from __future__ import annotations

import cProfile
import os
import pstats
import sys
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evportal.settings")

EVSES, DAYS, BOOKINGS = 20, 14, 5000
SITES, EVSES_EACH, BOOKINGS_EACH = 500, 4, 10
ROUNDS = 60
HALF = timedelta(minutes=30)
BERLIN = ZoneInfo("Europe/Berlin")


def seed() -> str:
    """The sites and their bookings; returns a key to ask with."""
    from django.utils import timezone

    from bookings.models import SiteRules
    from evportal.accounts.models import ApiKey, Operator
    from stations.models import Site

    operator, _new = Operator.objects.get_or_create(slug="availability", defaults={"name": "Availability"})
    if not Site.objects.filter(operator=operator).exists():
        today = timezone.now().astimezone(BERLIN).replace(hour=0, minute=0, second=0, microsecond=0)
        morning = today.astimezone(UTC)
        large = site(operator, "large", "Large")
        SiteRules.objects.create(site=large, walk_in_hours="Mo-Fr 17:00-18:00", buffer_minutes=0)
        book(enter(large, EVSES), morning, every=DAYS * 48 * EVSES // BOOKINGS, count=BOOKINGS // EVSES)
        for number in range(SITES):
            small = site(operator, f"small-{number}", "Small")
            book(enter(small, EVSES_EACH), morning, every=1, count=BOOKINGS_EACH * (1 + number % 8))
    key, _row = ApiKey.issue(operator=operator, role="manager", name="bench")
    return key


def site(operator, slug: str, city: str):
    from stations.models import Site

    return Site.objects.create(
        operator=operator,
        slug=slug,
        name=slug,
        city=city,
        latitude=52,
        longitude=13,
        time_zone=BERLIN.key,
        opening_hours="Mo-Fr 05:00-23:00; Sa,Su 06:00-22:00" if city == "Small" else "",
    )


def enter(place, count: int) -> list:
    from stations.models import Connector, Evse, Station

    found = []
    for number in range(count):
        name = f"{place.slug}-{number}"
        station = Station.objects.create(site=place, name=name, identity=name)
        evse = Evse.objects.create(
            station=station, number=1, public_id=f"DE*BEN*E{name}*1".upper(), max_power_w=150_000
        )
        Connector.objects.create(evse=evse, number=1, standard="IEC_62196_T2_COMBO")
        found.append(evse)
    return found


def book(evses: list, begin: datetime, *, every: int, count: int) -> None:
    """Half hours, one after `every` slots, straight into the tables: by actions it would take minutes."""
    from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

    from bookings.models import Booking, Claim
    from evportal.accounts.models import User

    user, _new = User.objects.get_or_create(email="driver@bench.example", defaults={"password": "!"})
    bookings = [
        Booking(
            evse=evse,
            user=user,
            starts_at=begin + slot * every * HALF,
            ends_at=begin + slot * every * HALF + HALF,
            status=Booking.Status.RESERVED,
        )
        for evse in evses
        for slot in range(count)
    ]
    Booking.objects.bulk_create(bookings, batch_size=2000)
    Claim.objects.bulk_create(
        [
            Claim(evse=row.evse, booking=row, period=DateTimeTZRange(row.starts_at, row.ends_at))
            for row in bookings
        ],
        batch_size=2000,
    )


def measure(ask, rounds: int = ROUNDS) -> float:
    """The p95 of so many answers, in milliseconds."""
    from evportal.collector import seldom_collect

    for _warm in range(5):
        ask()
    seldom_collect()
    took = []
    spent = time.process_time()
    for _round in range(rounds):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    spent = (time.process_time() - spent) * 1000 / rounds
    print(f"median {took[rounds // 2]:.0f} ms, own CPU {spent:.0f} ms", file=sys.stderr)  # noqa: T201
    return took[int(len(took) * 0.95)]


def main() -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from rest_framework.test import APIClient

    settings.ALLOWED_HOSTS = ["testserver"]
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {seed()}")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    def ask(path: str, **query):
        answer = client.get(f"/api/v1/availability/{path}", query)
        assert answer.status_code == 200, answer.content[:500]
        return answer.json()

    day = datetime.now(BERLIN).date() + timedelta(days=1)
    whole = {"site": "large", "date": day.isoformat(), "days": DAYS, "minutes": 30}
    found = ask("", **whole)
    assert sum(len(row["slots"]) for row in found["results"]) >= EVSES * DAYS * 46
    assert ask("first/", city="Small", minutes=60)["sites"] == SITES

    def one_site():
        client.get("/api/v1/availability/", whole)

    def first_free():
        client.get("/api/v1/availability/first/", {"city": "Small", "minutes": 60})

    if "--profile" in sys.argv:
        for question in (one_site, first_free):
            profile = cProfile.Profile()
            profile.runcall(measure, question, 10)
            pstats.Stats(profile).sort_stats("cumulative").print_stats(35)
        return
    print(f"{measure(one_site):.1f} {measure(first_free):.1f}")  # noqa: T201


if __name__ == "__main__":
    main()

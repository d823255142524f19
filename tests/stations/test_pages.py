"""Find and the site's page: what they show, what they hide, and how many queries that takes."""

import re
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from stations.models import Reservation
from tests import make
from tests.billing import money

pytestmark = pytest.mark.django_db
CCS = "IEC_62196_T2_COMBO"


def online_evse(site, state="available", **fields):
    station = make.station(site=site, connection=uuid4())
    return make.evse(station=station, state=state, **fields)


def find(client, **query):
    response = client.get("/", query)
    assert response.status_code == 200
    return [row["site"] for row in response.context["rows"]], re.sub(r"\s+", " ", response.content.decode())


class TestFind:
    def test_lists_public_sites_with_what_is_free(self, client):
        site = make.site(name="Bahnhof")
        online_evse(site)
        online_evse(site, state="charging", standard=CCS, max_power_w=150_000)
        make.evse(station=make.station(site=site), state="available")
        make.evse(station=make.station(site=make.site(is_public=False)))
        make.site(name="Nothing built yet")
        sites, shown = find(client)
        assert sites == [site]
        # The silent charger's last word was “available”, which is worth nothing.
        assert "1 of 3 free now" in shown
        assert "<b>CCS 150 kW</b> 0/1" in shown and "<b>Type 2 22 kW</b> 1/2" in shown
        assert "Next free slot:" in shown

    def test_a_place_kept_for_somebody_is_not_free(self, client):
        site = make.site()
        evse = online_evse(site)
        now = timezone.now()
        token = make.id_token(operator=site.operator)
        Reservation.objects.create(
            evse=evse,
            id_token=token,
            starts_at=now - timedelta(minutes=1),
            ends_at=now + timedelta(minutes=9),
        )
        assert "0 of 1 free now" in find(client)[1]
        assert find(client, free="on")[0] == []
        shown = client.get(reverse("stations:site", args=[site.slug])).content.decode()
        assert "s-reserved" in shown and "s-available" not in shown

    def test_filters(self, client):
        slow, fast, dead = (
            make.site(name=name, city=city, postcode=postcode)
            for name, city, postcode in [
                ("Anna", "Berlin", "10115"),
                ("Bert", "Köln", "50667"),
                ("Carl", "Köln", "50668"),
            ]
        )
        online_evse(slow)
        online_evse(fast, standard=CCS, max_power_w=150_000)
        make.evse(station=make.station(site=dead), state="available")
        make.site_rules(site=fast, bookable=False)
        for query, expected in [
            ({"q": "köln"}, [fast, dead]),
            ({"q": "köln 50668"}, [dead]),
            ({"q": "101"}, [slow]),
            ({"standard": CCS}, [fast]),
            ({"min_kw": "50"}, [fast]),
            ({"free": "on"}, [slow, fast]),
            ({"bookable": "on"}, [slow, dead]),
            ({"accessible": "on"}, []),
            ({"min_kw": "300"}, []),
        ]:
            assert find(client, **query)[0] == expected, query

    def test_nothing_found_says_so_and_leads_back(self, client):
        online_evse(make.site())
        _sites, shown = find(client, q="nowhere")
        assert "No site matches" in shown and "Show all sites" in shown

    def test_the_nearest_first(self, client):
        far = make.site(name="A", latitude=Decimal("48.137"), longitude=Decimal("11.575"))
        near = make.site(name="B", latitude=Decimal("52.52"), longitude=Decimal("13.405"))
        for site in (far, near):
            online_evse(site)
        sites, shown = find(client, lat="52.53", lng="13.40")
        assert sites == [near, far]
        # Munich is 504 km from Berlin as the crow flies.
        assert sites[1].km == pytest.approx(505, abs=3)
        assert "<b>1.2 km</b>" in shown

    @pytest.mark.parametrize(
        "query",
        [
            {"lat": "x", "lng": "1"},
            {"lat": "NaN", "lng": "NaN"},
            {"lat": "999", "lng": "0"},
            {"min_kw": "9e999"},
            {"page": "99999"},
            {"page": "x"},
            {"q": "\x00"},
            {"q": "a" * 5000},
            {"standard": "'; DROP TABLE"},
        ],
    )
    def test_odd_addresses_are_read_as_far_as_they_go(self, client, query):
        site = make.site()
        online_evse(site)
        assert find(client, **query)[0] == [site]

    def test_the_number_of_queries_stays_the_same(self, client):
        counts = []
        for sites in (1, 8):
            for _number in range(sites):
                site = make.site()
                make.site_rules(site=site)
                money.tariff(site=site)
                for _evse in range(2):
                    online_evse(site)
            with CaptureQueriesContext(connection) as queries:
                find(client, lat="52.5", lng="13.4")
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 14


class TestSite:
    def test_shows_every_connector_with_its_state(self, client):
        site = make.site(name="Bahnhof")
        evse = online_evse(site, standard=CCS, max_power_w=150_000, state_since=timezone.now())
        offline = make.evse(station=make.station(site=site), state="available")
        shown = client.get(reverse("stations:site", args=[site.slug])).content.decode()
        assert f'id="evse-{evse.pk}" data-live' in shown and f'id="evse-{offline.pk}"' in shown
        assert f'data-live-watch="site:{site.pk}"' in shown
        assert "CCS 150 kW" in shown and "Available" in shown and "Not connected" in shown
        assert reverse("billing:charger", args=[evse.public_id]) in shown
        assert reverse("bookings:book", args=[site.slug]) in shown
        # The OCPP identity is between the charger and us.
        assert evse.station.identity not in shown

    def test_prices_per_kwh_and_in_full(self, client):
        site = make.site()
        for _number in range(2):
            online_evse(site)
        own = online_evse(site)
        money.tariff(site=site, components=(money.ENERGY, money.PARKING))
        money.tariff(evse=own, components=({**money.ENERGY, "price": 0.79},))
        shown = client.get(reverse("stations:site", args=[site.slug])).content.decode()
        # The two that share a tariff are listed once.
        assert shown.count('<ul class="tariff">') == 2
        assert shown.count("€0.49/kWh") == 2 and shown.count("€0.79/kWh") == 1
        assert "from €0.49/kWh" in find(client)[1]

    def test_private_and_unknown_sites_are_not_there(self, client):
        private = make.site(is_public=False)
        for slug in (private.slug, "nowhere"):
            assert client.get(reverse("stations:site", args=[slug])).status_code == 404

    def test_the_number_of_queries_stays_the_same(self, client):
        counts = []
        for evses in (1, 8):
            site = make.site()
            money.tariff(site=site)
            for _evse in range(evses):
                online_evse(site)
            with CaptureQueriesContext(connection) as queries:
                client.get(reverse("stations:site", args=[site.slug]))
            counts.append(len(queries))
        assert counts[0] == counts[1] <= 13

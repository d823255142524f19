"""`/metrics`: what Prometheus scrapes. What the database knows is asked at the scrape; what only this process
knows (how long its answers took) is counted as it happens.

For this machine alone, or for whoever brings METRICS_TOKEN.
"""

from __future__ import annotations

import hmac
import ipaddress
import time
from collections.abc import Iterator

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeHistogramMetricFamily, GaugeMetricFamily, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: A scrape by several servers costs the database one look.
KEEP_SECONDS = 5
#: Seconds from committed to ingested, and how far back is looked.
LAGS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60)
LOOK_BACK = "5 minutes"

registry = CollectorRegistry()
requests = Histogram(
    "evportal_http_request_seconds",
    "Time to answer a request, in this process.",
    ["method", "view", "status"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=registry,
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Timing:
    """Middleware: how long each view takes. Views are known by name, so that addresses don't make series."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        method = request.method if request.method in METHODS else "other"
        view = (match.view_name or match.route) if match else "none"
        requests.labels(method, view, f"{response.status_code // 100}xx").observe(time.perf_counter() - began)
        return response


def metrics(request):
    if not _may(request):
        return HttpResponse("Not for you.\n", content_type="text/plain", status=403)
    text = cache.get("metrics")
    if text is None:
        text = generate_latest(_Database())
        cache.set("metrics", text, KEEP_SECONDS)
    return HttpResponse(text + generate_latest(registry), content_type=CONTENT_TYPE)


def _may(request) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    # A proxy on this machine speaks for the whole world.
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


class _Database:
    """A collector that asks when it is asked."""

    def collect(self) -> Iterator[Metric]:
        with connection.cursor() as cursor:
            yield from _gauges(cursor)
            yield _lag(cursor)


#: name → (what it is, label or "", SQL of (label, value) or of (value)). Each is one short query.
GAUGES = {
    "evportal_chargers": (
        "Charging stations.",
        "connected",
        "SELECT CASE WHEN connection IS NULL THEN 'no' ELSE 'yes' END, count(*) FROM stations_station "
        "GROUP BY 1",
    ),
    "evportal_evses": (
        "EVSEs by state; those of stations that are offline are offline.",
        "state",
        "SELECT CASE WHEN station.connection IS NULL THEN 'offline' ELSE evse.state END, count(*) "
        "FROM stations_evse evse JOIN stations_station station ON station.id = evse.station_id GROUP BY 1",
    ),
    "evportal_sessions_open": (
        "Sessions under way.",
        "",
        "SELECT count(*) FROM stations_session WHERE stopped_at IS NULL",
    ),
    "evportal_power_watts": (
        "What the sessions under way draw together.",
        "",
        "SELECT coalesce(sum(power_w), 0) FROM stations_session WHERE stopped_at IS NULL",
    ),
    "evportal_ingest_batches_waiting": (
        "Batches of the journal that no worker has ingested yet.",
        "",
        "SELECT count(*) FROM stations_batch WHERE done_at IS NULL",
    ),
    "evportal_ingest_oldest_seconds": (
        "How long the oldest of them has waited.",
        "",
        "SELECT coalesce(extract(epoch FROM now() - min(received_at)), 0) FROM stations_batch "
        "WHERE done_at IS NULL",
    ),
    "evportal_commands_recent": (
        "Commands to chargers made in the last hour.",
        "status",
        "SELECT status, count(*) FROM stations_command WHERE created_at > now() - interval '1 hour' "
        "GROUP BY 1",
    ),
    "evportal_payments": (
        "Payments on their way, by state.",
        "state",
        "SELECT state, count(*) FROM billing_payment "
        "WHERE state IN ('new', 'needs_action', 'held', 'capturing', 'releasing') GROUP BY 1",
    ),
    "evportal_sessions_in_review": (
        "Bills that wait for a person.",
        "",
        "SELECT count(*) FROM billing_cdr WHERE state = 'review'",
    ),
    "evportal_bookings": (
        "Bookings held or confirmed.",
        "status",
        "SELECT status, count(*) FROM bookings_booking WHERE status IN ('PENDING', 'RESERVED') GROUP BY 1",
    ),
    "evportal_mail_waiting": (
        "Mail in the outbox.",
        "",
        "SELECT count(*) FROM outbox_mail WHERE sent_at IS NULL",
    ),
    "evportal_alerts_open": (
        "Open alerts.",
        "severity",
        "SELECT severity, count(*) FROM monitoring_alert WHERE resolved_at IS NULL GROUP BY 1",
    ),
    "evportal_outages_open": (
        "EVSEs that are down.",
        "cause",
        "SELECT cause, count(*) FROM monitoring_outage WHERE ends_at IS NULL GROUP BY 1",
    ),
    "evportal_stale_hours": (
        "Hours of use that wait to be reckoned anew.",
        "",
        "SELECT (SELECT count(*) FROM stations_hour WHERE is_stale) "
        "+ (SELECT count(*) FROM monitoring_evsehour WHERE is_stale)",
    ),
}


def _gauges(cursor) -> Iterator[Metric]:
    for name, (what, label, sql) in GAUGES.items():
        cursor.execute(sql)
        family = GaugeMetricFamily(name, what, labels=[label] if label else None)
        for row in cursor.fetchall():
            family.add_metric([row[0]] if label else [], float(row[-1]))
        yield family


def _lag(cursor) -> Metric:
    """Batches of the last minutes, by how long they waited to be ingested."""
    counts = ", ".join(f"count(*) FILTER (WHERE lag <= {each})" for each in LAGS)
    cursor.execute(
        f"SELECT {counts}, count(*), coalesce(sum(lag), 0) "  # noqa: S608
        "FROM (SELECT extract(epoch FROM done_at - received_at) AS lag FROM stations_batch "
        f"WHERE done_at > now() - interval '{LOOK_BACK}') AS batches"
    )
    *found, count, total = cursor.fetchone()
    buckets = [(f"{float(limit)}", float(n)) for limit, n in zip(LAGS, found, strict=True)]
    family = GaugeHistogramMetricFamily(
        "evportal_ingest_lag_seconds", f"Committed to ingested, batches of the last {LOOK_BACK}."
    )
    family.add_metric([], [*buckets, ("+Inf", float(count))], float(total))
    return family

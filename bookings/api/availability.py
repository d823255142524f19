"""`/api/v1/availability/`: what is free at a site, and where first in a city."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import orjson
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from bookings import availability, rules
from bookings.availability import SiteTimes
from bookings.rules import SlotState
from evportal.rest.fields import RowField
from evportal.rest.resources import Resource
from stations import finding
from stations.models import Connector, Site

#: Of so many sites, the nearest, the first free slot is looked for.
MOST_SITES = 1000


def visible_sites(access, permission):
    return Site.objects.public().select_related("operator") | Site.objects.visible_to(
        access, permission
    ).select_related("operator")


class WishSerializer(serializers.Serializer):
    minutes = serializers.IntegerField(min_value=1, max_value=24 * 60, required=False)
    standard = serializers.ChoiceField(Connector.Standard.choices, required=False)
    min_kw = serializers.DecimalField(7, 1, min_value=0, default=Decimal(0))


class QuestionSerializer(WishSerializer):
    site = RowField(name="slug", rows=visible_sites)
    date = serializers.DateField(required=False, help_text="A day there; today where none is given.")
    days = serializers.IntegerField(
        min_value=1, max_value=availability.MOST_DAYS, default=1, help_text="So many days from that one on."
    )
    free = serializers.BooleanField(default=False, help_text="Only the slots that are free.")


class TimeSerializer(serializers.Serializer):
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    state = serializers.ChoiceField([state.value for state in SlotState])


class EvseSlotsSerializer(serializers.Serializer):
    evse = serializers.CharField()
    max_power_w = serializers.IntegerField()
    slots = TimeSerializer(many=True)


class AvailabilitySerializer(serializers.Serializer):
    site = serializers.CharField()
    date = serializers.DateField()
    days = serializers.IntegerField()
    time_zone = serializers.CharField()
    minutes = serializers.IntegerField()
    results = EvseSlotsSerializer(many=True)


class FirstQuestionSerializer(WishSerializer):
    city = serializers.CharField(required=False, max_length=100)
    q = serializers.CharField(required=False, max_length=100, help_text="Words of name, street, city.")
    operator = serializers.SlugField(required=False)
    lat = serializers.FloatField(required=False, min_value=-90, max_value=90)
    lng = serializers.FloatField(required=False, min_value=-180, max_value=180)
    km = serializers.FloatField(required=False, min_value=0, max_value=1000, help_text="As far from there.")
    days = serializers.IntegerField(
        min_value=1, max_value=availability.MOST_DAYS, default=availability.SOON_DAYS
    )
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)

    def validate(self, asked):
        if ("lat" in asked) != ("lng" in asked):
            raise serializers.ValidationError({"lat": "Give both lat and lng, or neither."})
        if "km" in asked and "lat" not in asked:
            raise serializers.ValidationError({"km": "From where? Give lat and lng."})
        return asked


class FirstSerializer(serializers.Serializer):
    site = serializers.CharField(source="evse.station.site.slug")
    name = serializers.CharField(source="evse.station.site.name")
    city = serializers.CharField(source="evse.station.site.city")
    time_zone = serializers.CharField(source="evse.station.site.time_zone")
    evse = serializers.CharField(source="evse.public_id")
    max_power_w = serializers.IntegerField(source="evse.max_power_w")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()


class FirstAnswerSerializer(serializers.Serializer):
    sites = serializers.IntegerField(help_text="How many were looked at.")
    results = FirstSerializer(many=True)


class Availability(Resource):
    """The slots of some days at one site, free or why not."""

    pagination_class = filterset_class = None
    queryset = Site.objects.none()
    filter_backends = []
    needs = {"list": "view_ops", "first": "view_ops"}
    own = frozenset({"list", "first"})
    #: How far ahead and back a day may be asked for.
    FAR = timedelta(days=400)

    @extend_schema(parameters=[QuestionSerializer], responses=AvailabilitySerializer)
    def list(self, request):
        asked, now = self._asked(QuestionSerializer), timezone.now()
        site = asked["site"]
        today = now.astimezone(site.zone).date()
        first = asked.get("date", today)
        if abs(first - today) > self.FAR:
            raise serializers.ValidationError({"date": "That is too far from today."})
        days = [first + timedelta(days=offset) for offset in range(asked["days"])]
        times = availability.of_days(
            site,
            days,
            asked.get("minutes"),
            now=now,
            standard=asked.get("standard", ""),
            min_kw=asked["min_kw"],
        )
        # A fortnight of a large site is a megabyte: written by hand, not row by row through serializers.
        return HttpResponse(as_json(times, days, only_free=asked["free"]), content_type="application/json")

    @extend_schema(parameters=[FirstQuestionSerializer], responses=FirstAnswerSerializer)
    @action(detail=False)
    def first(self, request):
        """The first free slot of each site, the soonest first: of a city, of an operator, around a place."""
        asked, now = self._asked(FirstQuestionSerializer), timezone.now()
        standard = asked.get("standard", "")
        wish = finding.Wish(
            text=asked.get("q", "").replace("\x00", ""),
            standard=standard,
            min_kw=float(asked["min_kw"]),
            lat=asked.get("lat"),
            lng=asked.get("lng"),
        )
        # Their operators are nobody's question here.
        sites = finding.sites(wish, now).select_related(None)
        if "city" in asked:
            sites = sites.filter(city__iexact=asked["city"].replace("\x00", ""))
        if "operator" in asked:
            sites = sites.filter(operator__slug=asked["operator"])
        if "km" in asked:
            sites = sites.filter(km__lte=asked["km"])
        sites = list(sites[:MOST_SITES])
        found = availability.first_free(
            sites,
            now=now,
            minutes=asked.get("minutes"),
            days=asked["days"],
            standard=standard,
            min_kw=asked["min_kw"],
            count=asked["limit"],
        )
        return Response(FirstAnswerSerializer({"sites": len(sites), "results": found.values()}).data)

    def _asked(self, kind) -> dict:
        question = kind(data=self.request.query_params.dict(), context=self.get_serializer_context())
        question.is_valid(raise_exception=True)
        return question.validated_data


def as_json(times: SiteTimes, days: list[date], *, only_free: bool) -> bytes:
    """The answer in JSON. A slot's words are the same for every EVSE, so they are written once for all."""
    grid = times.grid(days)
    pairs = [(_iso(at), _iso(at + grid.length)) for at in grid.moments()]
    words = {
        state: [
            orjson.dumps({"starts_at": starts_at, "ends_at": ends_at, "state": state.value})
            for starts_at, ends_at in pairs
        ]
        for state in SlotState
    }

    def slots(evse) -> orjson.Fragment:
        states = times.states(evse, days)
        chosen = [
            words[state][index]
            for index, state in enumerate(states)
            if not only_free or state is SlotState.FREE
        ]
        return orjson.Fragment(b"[" + b",".join(chosen) + b"]")

    return orjson.dumps(
        {
            "site": times.site.slug,
            "date": days[0],
            "days": len(days),
            "time_zone": times.site.time_zone,
            "minutes": int(grid.length / rules.MINUTE),
            "results": [
                {"evse": evse.public_id, "max_power_w": evse.max_power_w, "slots": slots(evse)}
                for evse in times.evses
            ],
        }
    )


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z"


RESOURCES = {"availability": Availability}

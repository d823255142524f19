"""`/api/v1/series/`: an EVSE's or a station's use over time, in as many points as a chart wants."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from evportal.rest.resources import Resource
from stations import series
from stations.models import Evse, Hour

MOST_POINTS = 2000


class SeriesQuery(serializers.Serializer):
    evse = serializers.CharField(required=False, help_text="The EVSE's public id.")
    station = serializers.CharField(required=False, help_text="Or a station's identity: all of its EVSEs.")
    until = serializers.DateTimeField(required=False, help_text="Without it: now.")
    points = serializers.IntegerField(min_value=1, max_value=MOST_POINTS, default=series.POINTS)
    every = serializers.ChoiceField(
        list(series.STEPS), required=False, help_text="Without it: the finest step that makes no more points."
    )

    def get_fields(self):
        # “from” is a word of Python's own.
        return super().get_fields() | {
            "from": serializers.DateTimeField(required=False, help_text="Without it: a year before `until`.")
        }

    def validate(self, asked):
        if bool(asked.get("evse")) == bool(asked.get("station")):
            raise serializers.ValidationError("Name either an evse or a station.")
        asked["until"] = asked.get("until") or timezone.now()
        asked["from"] = asked.get("from") or asked["until"] - timedelta(days=365)
        if asked["from"] >= asked["until"]:
            raise serializers.ValidationError({"from": "It has to lie before `until`."})
        step = series.STEPS[asked.get("every") or "month"]
        if (asked["until"] - asked["from"]) / step > MOST_POINTS:
            raise serializers.ValidationError("That makes too many points: choose a longer step.")
        return asked


class PointSerializer(serializers.Serializer):
    starts_at = serializers.DateTimeField()
    energy_wh = serializers.FloatField()
    max_power_w = serializers.FloatField(allow_null=True)
    busy_s = serializers.IntegerField()


class SeriesSerializer(serializers.Serializer):
    every = serializers.ChoiceField(list(series.STEPS))
    time_zone = serializers.CharField()
    points = PointSerializer(many=True)


class Series(Resource):
    queryset = Hour.objects.all()
    serializer_class = SeriesSerializer
    pagination_class = None
    needs = {"list": "view_ops"}

    @extend_schema(
        parameters=[SeriesQuery, OpenApiParameter("from", str, description="The first moment.")],
        responses=SeriesSerializer(),
    )
    def list(self, request):
        query = SeriesQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        evses = Evse.objects.visible_to(request.access, self.permission).select_related("station__site")
        if asked.get("evse"):
            evses = evses.filter(public_id__iexact=asked["evse"])
        else:
            evses = evses.filter(station__identity=asked["station"])
        found = list(evses)
        if not found:
            raise exceptions.NotFound
        zone = ZoneInfo(found[0].station.site.time_zone)
        step, points = series.buckets(
            self.get_queryset().filter(evse__in=found),
            since=asked["from"],
            until=asked["until"],
            zone=zone,
            points=asked["points"],
            step=asked.get("every", ""),
        )
        return Response(SeriesSerializer({"every": step, "time_zone": zone.key, "points": points}).data)

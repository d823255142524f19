"""`/api/v1/uptime/` and `/api/v1/outages/`: the same figures as the pages'."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import exceptions, mixins, serializers
from rest_framework.response import Response

from evportal.accounts.models import ApiKey
from evportal.rest.fields import RowField
from evportal.rest.filters import TrueFalse
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource, person
from monitoring.uptime import actions, formulas, reading
from monitoring.uptime.models import Outage
from stations.exceptions import Refused as Refusal
from stations.models import Evse
from stations.models.site import check_time_zone

LONGEST = timedelta(days=366 * 3)


@extend_schema_field(OpenApiTypes.STR)
class Moment(serializers.Field):
    """A moment, or a day: its midnight in the zone that was asked for."""

    def to_internal_value(self, data):
        for kind in (serializers.DateField(), serializers.DateTimeField()):
            try:
                return kind.to_internal_value(data)
            except serializers.ValidationError:
                continue
        raise serializers.ValidationError("Give a day (2026-01-31) or a moment (2026-01-31T12:00:00Z).")


def zone_name(name: str) -> str:
    try:
        check_time_zone(name)
    except Exception as error:
        raise serializers.ValidationError(
            f"“{name}” is not an IANA time zone such as Europe/Berlin."
        ) from error
    return name


class UptimeQuery(serializers.Serializer):
    site = serializers.CharField(required=False, help_text="A site's slug.")
    evse = serializers.CharField(required=False, help_text="An EVSE's public id.")
    until = Moment(required=False)
    time_zone = serializers.CharField(default="UTC", validators=[zone_name])

    def get_fields(self):
        return super().get_fields() | {"from": Moment(required=False)}

    def validate(self, asked):
        zone = ZoneInfo(zone_name(asked["time_zone"]))

        def moment(value):
            return value if isinstance(value, datetime) else datetime.combine(value, time(), zone)

        asked["until"] = min(moment(asked["until"]), timezone.now()) if "until" in asked else timezone.now()
        asked["from"] = moment(asked["from"]) if "from" in asked else asked["until"] - reading.WINDOW
        if asked["from"] >= asked["until"]:
            raise serializers.ValidationError({"from": "It has to lie before `until`, and in the past."})
        if asked["until"] - asked["from"] > LONGEST:
            raise serializers.ValidationError({"from": "At most three years can be asked for at once."})
        return asked


class FiguresSerializer(serializers.Serializer):
    uptime_percent = serializers.FloatField(
        allow_null=True, source="percent", help_text="null where nothing was measured."
    )
    period_s = serializers.FloatField()
    outage_s = serializers.FloatField(help_text="Includes what is excluded.")
    excluded_s = serializers.FloatField()
    not_measured_s = serializers.FloatField(source="unwatched_s")
    by_cause = serializers.DictField(child=serializers.FloatField(), help_text="Seconds by cause.")


class EvseUptimeSerializer(FiguresSerializer):
    evse = serializers.CharField()
    site = serializers.CharField()
    nevi_percent = serializers.FloatField(
        allow_null=True, help_text="23 CFR 680.116(b): the twelve months before `until`."
    )


class UptimeSerializer(serializers.Serializer):
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    total = FiguresSerializer()
    uk_reliability_percent = serializers.FloatField(
        allow_null=True, help_text="SI 2023/1168: the rapid charge points in this window."
    )
    evses = EvseUptimeSerializer(many=True)


class Uptime(Resource):
    queryset = Evse.objects.select_related("station__site")
    serializer_class = UptimeSerializer
    pagination_class = None
    needs = {"list": "view_ops"}

    @extend_schema(
        parameters=[
            UptimeQuery,
            OpenApiParameter("from", str, description="Without it: 30 days before `until`."),
        ],
        responses=UptimeSerializer(),
    )
    def list(self, request):
        query = UptimeQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        since, until = asked["from"], asked["until"]
        evses = self.get_queryset()
        if asked.get("site"):
            evses = evses.filter(station__site__slug=asked["site"])
        if asked.get("evse"):
            evses = evses.filter(public_id__iexact=asked["evse"])
        rows = list(evses.order_by("station__site__name", "public_id"))
        if not rows and (asked.get("site") or asked.get("evse")):
            raise exceptions.NotFound
        records = reading.records(evses, min(since, until - formulas.NEVI_YEAR), until)
        found = {pk: formulas.measure(one, since, until) for pk, one in records.items()}
        body = {
            "since": since,
            "until": until,
            "total": formulas.total(found.values()),
            "uk_reliability_percent": formulas.uk_reliability(records.values(), since, until),
            "evses": [
                {
                    "evse": evse.public_id,
                    "site": evse.station.site.slug,
                    "nevi_percent": formulas.nevi(records[evse.pk], until),
                    "percent": found[evse.pk].percent,
                    "period_s": found[evse.pk].period_s,
                    "outage_s": found[evse.pk].outage_s,
                    "excluded_s": found[evse.pk].excluded_s,
                    "unwatched_s": found[evse.pk].unwatched_s,
                    "by_cause": found[evse.pk].by_cause,
                }
                for evse in rows
            ],
        }
        return Response(UptimeSerializer(body).data)


def changeable(access, permission):
    return Evse.objects.visible_to(access, permission).select_related("station__site")


class OutageSerializer(serializers.ModelSerializer):
    evse = RowField(name="public_id__iexact", shown="public_id", rows=changeable)
    site = serializers.CharField(source="evse.station.site.slug", read_only=True)

    class Meta:
        model = Outage
        fields = [
            "id",
            "site",
            "evse",
            "begins_at",
            "ends_at",
            "cause",
            "is_observed",
            "exclusion",
            "excluded_from",
            "excluded_until",
            "note",
        ]
        read_only_fields = ["cause", "is_observed", "excluded_from", "excluded_until"]


class ExplanationSerializer(serializers.Serializer):
    exclusion = serializers.ChoiceField(choices=Outage.Exclusion.choices, allow_blank=True, required=False)
    excluded_from = serializers.DateTimeField(allow_null=True, required=False)
    excluded_until = serializers.DateTimeField(allow_null=True, required=False)
    note = serializers.CharField(max_length=300, allow_blank=True, required=False)
    ends_at = serializers.DateTimeField(
        required=False, help_text="Only of one that was reported by hand and still goes on."
    )


class OutageFilter(filters.FilterSet):
    site = filters.CharFilter(field_name="evse__station__site__slug")
    evse = filters.CharFilter(field_name="evse__public_id", lookup_expr="iexact")
    open = TrueFalse(field_name="ends_at", lookup_expr="isnull")

    class Meta:
        model = Outage
        fields = ["cause", "exclusion"]


class Outages(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Outage.objects.select_related("evse__station__site")
    serializer_class = OutageSerializer
    filterset_class = OutageFilter
    page_ordering = ("-begins_at", "-pk")
    needs = {
        "list": "view_ops",
        "retrieve": "view_ops",
        "create": "manage_stations",
        "partial_update": "manage_stations",
    }
    http_method_names = ["get", "post", "patch", "head", "options"]

    def create(self, request):
        """An outage that the charger does not report by itself."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        row = self._act(
            actions.report,
            evse=data["evse"],
            begins_at=data["begins_at"],
            ends_at=data.get("ends_at"),
            note=data.get("note", ""),
            exclusion=data.get("exclusion", ""),
        )
        return Response(self.get_serializer(row).data, status=201)

    @extend_schema(request=ExplanationSerializer, responses=OutageSerializer)
    def partial_update(self, request, pk=None):
        """Why it was, and whether it counts."""
        row = self.get_object()
        serializer = ExplanationSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
        ends_at = data.pop("ends_at", None)
        if ends_at is not None:
            row = self._act(actions.end, outage=row, ends_at=ends_at)
        if data:
            said = {name: data.get(name, getattr(row, name)) for name in actions.FIELDS}
            row = self._act(actions.explain, outage=row, **said)
        return Response(self.get_serializer(self.get_queryset().get(pk=row.pk)).data)

    def _act(self, action, **fields):
        caller = self.request.auth if isinstance(self.request.auth, ApiKey) else None
        try:
            return action(now=timezone.now(), by=person(self.request), api_key=caller, **fields)
        except Refusal as refusal:
            raise Refused(str(refusal)) from refusal


RESOURCES = {"uptime": Uptime, "outages": Outages}

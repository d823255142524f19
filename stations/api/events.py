"""`/api/v1/events/`: what chargers told of themselves."""

from django_filters import rest_framework as filters
from rest_framework import mixins, serializers

from evportal.rest.filters import TrueFalse
from evportal.rest.resources import Resource
from stations.models import Event


class EventSerializer(serializers.ModelSerializer):
    station = serializers.CharField(source="station.identity", read_only=True)
    site = serializers.CharField(source="station.site.slug", read_only=True)
    evse = serializers.IntegerField(source="evse.number", read_only=True, allow_null=True)

    class Meta:
        model = Event
        fields = [
            "id",
            "station",
            "site",
            "evse",
            "kind",
            "code",
            "severity",
            "at",
            "received_at",
            "text",
            "component",
            "variable",
            "value",
            "is_cleared",
            "number",
            "cause_number",
            "transaction_id",
        ]


class EventFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")
    site = filters.CharFilter(field_name="station__site__slug")
    severity = filters.NumberFilter(lookup_expr="lte", help_text="At least so grave: 0 is the gravest.")
    since = filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="gte")
    until = filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="lt")
    cleared = TrueFalse(field_name="is_cleared")

    class Meta:
        model = Event
        fields = ["kind", "code"]


class Events(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Event.objects.select_related("station__site", "evse")
    serializer_class = EventSerializer
    filterset_class = EventFilter
    page_ordering = ("-received_at", "-pk")
    needs = {"list": "view_ops", "retrieve": "view_ops"}

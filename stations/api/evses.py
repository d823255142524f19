"""`/api/v1/evses/`: where one car charges; found by number or by what is printed on it."""

from django.http import Http404
from django_filters import rest_framework as filters
from rest_framework import mixins, serializers

from evportal.rest.fields import by_id_or
from evportal.rest.resources import Resource
from stations.models import Connector, Evse


class ConnectorSerializer(serializers.ModelSerializer):
    number = serializers.IntegerField(min_value=1, max_value=100, default=1)

    class Meta:
        model = Connector
        fields = ["number", "standard", "format", "power_type", "max_voltage", "max_amperage"]


class EvseSerializer(serializers.ModelSerializer):
    station = serializers.CharField(source="station.identity", read_only=True)
    site = serializers.CharField(source="station.site.slug", read_only=True)
    connectors = ConnectorSerializer(many=True, read_only=True)
    state = serializers.CharField(source="shown_state", read_only=True)

    class Meta:
        model = Evse
        fields = [
            "id",
            "public_id",
            "station",
            "site",
            "number",
            "max_power_w",
            "state",
            "state_at",
            "state_since",
            "error_code",
            "vendor_error",
            "error_info",
            "connectors",
        ]
        read_only_fields = [
            "number",
            "state_at",
            "state_since",
            "error_code",
            "vendor_error",
            "error_info",
        ]

    def validate_public_id(self, public_id):
        others = Evse.objects.for_public_id(public_id)
        if self.instance:
            others = others.exclude(pk=self.instance.pk)
        if others.exists():
            raise serializers.ValidationError("This public id is taken.")
        return public_id


class EvseFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")
    site = filters.CharFilter(field_name="station__site__slug")

    class Meta:
        model = Evse
        fields: list[str] = []


class Evses(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, Resource):
    queryset = Evse.objects.select_related("station__site").prefetch_related("connectors")
    serializer_class = EvseSerializer
    lookup_value_regex = "[^/]+"
    http_method_names = ["get", "patch"]
    filterset_class = EvseFilter
    page_ordering = "pk"
    needs = {"list": "view_ops", "retrieve": "view_ops", "partial_update": "manage_stations"}

    def get_object(self):
        found = by_id_or(self.get_queryset(), self.kwargs["pk"], "public_id__iexact")
        if found is None:
            raise Http404
        return found

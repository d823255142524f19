"""`/api/v1/alerts/`: what needs somebody to look."""

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from evportal.rest.filters import TrueFalse
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource, person
from monitoring import actions
from monitoring.models import Alert
from monitoring.patterns import api as patterns_api
from monitoring.uptime import api as uptime_api


class AlertSerializer(serializers.ModelSerializer):
    site = serializers.CharField(source="site.slug", read_only=True)
    station = serializers.CharField(source="station.identity", read_only=True, default=None)

    class Meta:
        model = Alert
        fields = [
            "id",
            "site",
            "station",
            "kind",
            "severity",
            "title",
            "opened_at",
            "last_seen_at",
            "count",
            "acknowledged_at",
            "resolved_at",
            "resolved_reason",
        ]


class AlertFilter(filters.FilterSet):
    site = filters.CharFilter(field_name="site__slug")
    station = filters.CharFilter(field_name="station__identity")
    open = TrueFalse(field_name="resolved_at", lookup_expr="isnull")
    acknowledged = TrueFalse(field_name="acknowledged_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Alert
        fields = ["kind", "severity"]


class Alerts(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Alert.objects.select_related("site", "station")
    serializer_class = AlertSerializer
    filterset_class = AlertFilter
    page_ordering = ("-opened_at", "-pk")
    needs = {"list": "view_alerts", "retrieve": "view_alerts", "acknowledge": "manage_alerts"}

    @extend_schema(request=None, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request, pk=None):
        alert = self.get_object()
        if not actions.acknowledge(alert=alert, by=person(request)):
            raise Refused("Somebody is on it already, or it is over.")
        alert.refresh_from_db()
        return Response(self.get_serializer(alert).data)


RESOURCES = {"alerts": Alerts, **patterns_api.RESOURCES, **uptime_api.RESOURCES}

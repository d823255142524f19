"""`/api/v1/alerts/`: what needs somebody to look."""

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from evportal.rest.filters import TrueFalse
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource, person
from monitoring import actions, handling
from monitoring.load import api as load_api
from monitoring.models import Alert
from monitoring.notices import api as notices_api
from monitoring.patterns import api as patterns_api
from monitoring.uptime import api as uptime_api
from monitoring.work import api as work_api
from stations.exceptions import Refused as Refusal


class AlertSerializer(serializers.ModelSerializer):
    site = serializers.CharField(source="site.slug", read_only=True)
    station = serializers.CharField(source="station.identity", read_only=True, default=None)
    assigned_to = serializers.CharField(source="assigned_to.email", read_only=True, default=None)

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
            "assigned_to",
            "snoozed_until",
            "snooze_reason",
            "resolved_at",
            "resolved_reason",
        ]


class AssignSerializer(serializers.Serializer):
    to = serializers.EmailField(allow_null=True, help_text="Whose it is; null: nobody's.")


class SnoozeSerializer(serializers.Serializer):
    until = serializers.DateTimeField()
    reason = serializers.CharField(max_length=200)


class ReasonSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=200)


class AlertFilter(filters.FilterSet):
    site = filters.CharFilter(field_name="site__slug")
    station = filters.CharFilter(field_name="station__identity")
    open = TrueFalse(field_name="resolved_at", lookup_expr="isnull")
    acknowledged = TrueFalse(field_name="acknowledged_at", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Alert
        fields = ["kind", "severity"]


class Alerts(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Alert.objects.select_related("site", "station", "assigned_to")
    serializer_class = AlertSerializer
    filterset_class = AlertFilter
    page_ordering = ("-opened_at", "-pk")
    needs = {"list": "view_alerts", "retrieve": "view_alerts", "acknowledge": "manage_alerts"}
    needs |= dict.fromkeys(("assign", "snooze", "wake", "resolve"), "manage_alerts")

    @extend_schema(request=None, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request, pk=None):
        alert = self.get_object()
        if not actions.acknowledge(alert=alert, by=person(request)):
            raise Refused("Somebody is on it already, or it is over.")
        alert.refresh_from_db()
        return Response(self.get_serializer(alert).data)

    @extend_schema(request=AssignSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request, pk=None):
        alert, data = self.get_object(), self._data(AssignSerializer)
        to = None
        if data["to"]:
            to = handling.people(alert).filter(email__iexact=data["to"]).first()
            if to is None:
                raise serializers.ValidationError({"to": "Nobody of that address works there."})
        return self._done(handling.assign, alert, to=to)

    @extend_schema(request=SnoozeSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def snooze(self, request, pk=None):
        return self._done(handling.snooze, self.get_object(), **self._data(SnoozeSerializer))

    @extend_schema(request=None, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def wake(self, request, pk=None):
        return self._done(handling.wake, self.get_object())

    @extend_schema(request=ReasonSerializer, responses=AlertSerializer)
    @action(detail=True, methods=["post"])
    def resolve(self, request, pk=None):
        return self._done(handling.resolve, self.get_object(), **self._data(ReasonSerializer))

    def _data(self, serializer_class) -> dict:
        serializer = serializer_class(data=self.request.data)
        serializer.is_valid(raise_exception=True)
        return serializer.validated_data

    def _done(self, act, alert, **fields):
        try:
            act(alert=alert, by=person(self.request), now=timezone.now(), **fields)
        except Refusal as refusal:
            raise Refused(str(refusal)) from refusal
        alert = self.get_queryset().get(pk=alert.pk)
        return Response(self.get_serializer(alert).data)


RESOURCES = {
    "alerts": Alerts,
    **load_api.RESOURCES,
    **notices_api.RESOURCES,
    **patterns_api.RESOURCES,
    **uptime_api.RESOURCES,
    **work_api.RESOURCES,
}

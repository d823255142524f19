"""`/api/v1/availability-plans/`: chargers out of service, from when to when."""

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response

from evportal.rest.fields import RowField
from evportal.rest.problems import Refused as Conflict
from evportal.rest.resources import Resource
from stations import availability
from stations.exceptions import Refused
from stations.models import AvailabilityPlan, Connector, Evse, Station


class AvailabilityPlanSerializer(serializers.ModelSerializer):
    station = RowField(name="identity", rows=Station.objects.visible_to)
    evse = serializers.IntegerField(
        source="evse.number", required=False, allow_null=True, min_value=1, help_text="Its number."
    )
    connector = serializers.IntegerField(
        source="connector.number", required=False, allow_null=True, min_value=1, help_text="Its number; 2.x."
    )
    starts_at = serializers.DateTimeField(required=False, help_text="Now, unless given.")
    answer = serializers.SerializerMethodField(help_text="What the charger said to being closed.")

    class Meta:
        model = AvailabilityPlan
        fields = [
            "id",
            "station",
            "evse",
            "connector",
            "starts_at",
            "ends_at",
            "reason",
            "state",
            "answer",
            "closing",
            "opening",
            "created_at",
        ]
        read_only_fields = ["state", "closing", "opening"]

    def get_answer(self, row) -> str | None:
        if row.closing is None:
            return None
        return (row.closing.response or {}).get("status") or row.closing.status

    def validate(self, fields):
        station = fields["station"]
        number = (fields.pop("evse", None) or {}).get("number")
        connector = (fields.pop("connector", None) or {}).get("number")
        fields["evse"] = Evse.objects.filter(station=station, number=number).first() if number else None
        if number and fields["evse"] is None:
            raise serializers.ValidationError({"evse": f"The charger has no EVSE {number}."})
        fields["connector"] = (
            Connector.objects.filter(evse=fields["evse"], number=connector).first() if connector else None
        )
        if connector and fields["connector"] is None:
            raise serializers.ValidationError({"connector": f"That EVSE has no connector {connector}."})
        return fields


class AvailabilityPlanFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")

    class Meta:
        model = AvailabilityPlan
        fields = ["station", "state"]


class AvailabilityPlans(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, Resource):
    queryset = AvailabilityPlan.objects.select_related("station__site", "evse", "connector", "closing")
    serializer_class = AvailabilityPlanSerializer
    filterset_class = AvailabilityPlanFilter
    page_ordering = ("-starts_at", "-pk")
    lookup_value_regex = "[0-9]{1,18}"
    needs = {"list": "view_ops", "retrieve": "view_ops", "create": "command", "cancel": "command"}

    def perform_create(self, serializer):
        now = timezone.now()
        fields = {"starts_at": now, **serializer.validated_data}
        try:
            serializer.instance = availability.plan(**fields, by=self.request.user, now=now)
        except Refused as refusal:
            raise serializers.ValidationError({"detail": [str(refusal)]}) from None

    @extend_schema(request=None, responses={200: AvailabilityPlanSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk=None):
        """What has not begun will not; what runs ends now, and the charger is put back into service."""
        plan = self.get_object()
        try:
            availability.cancel(plan=plan, now=timezone.now())
        except Refused as refusal:
            raise Conflict(str(refusal)) from None
        return Response(self.get_serializer(self.get_object()).data, status=status.HTTP_200_OK)

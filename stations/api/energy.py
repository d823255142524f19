"""`/api/v1/installed-profiles/` and `monitors/`: what limits chargers, and what they watch."""

from django.shortcuts import get_object_or_404
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.response import Response

from evportal.rest import problems
from evportal.rest.fields import RowField
from evportal.rest.resources import Resource
from stations import charging_profiles, exceptions, monitors
from stations.api.commands import CommandSerializer
from stations.models import ChargingProfile, Evse, InstalledProfile, Monitor, MonitorType, Session, Station


class InstalledProfileSerializer(serializers.ModelSerializer):
    station = serializers.CharField(source="station.identity", read_only=True)
    evse = serializers.IntegerField(
        source="evse.number", read_only=True, allow_null=True, help_text="null: the whole station."
    )
    session = serializers.UUIDField(source="session_id", read_only=True, allow_null=True)
    named = serializers.IntegerField(source="named_id", read_only=True, allow_null=True)
    command = serializers.UUIDField(source="command_id", read_only=True, allow_null=True)
    limit_w = serializers.FloatField(read_only=True, allow_null=True)
    profile = serializers.DictField(read_only=True)

    class Meta:
        model = InstalledProfile
        fields = [
            "id",
            "station",
            "evse",
            "session",
            "profile_id",
            "purpose",
            "kind",
            "stack_level",
            "limit_w",
            "until",
            "source",
            "named",
            "state",
            "reason",
            "retry_at",
            "command",
            "profile",
            "sent_at",
            "installed_at",
            "ended_at",
        ]


class LimitWishSerializer(serializers.Serializer):
    """A limit (`limit_w` or `limit_a`), or a profile by its number in `charging-profiles/`."""

    station = RowField(name="identity", rows=lambda access, may: Station.objects.visible_to(access, may))
    evse = serializers.IntegerField(required=False, min_value=1, help_text="Its number; none: the station.")
    session = serializers.UUIDField(required=False)
    limit_w = serializers.DecimalField(required=False, max_digits=10, decimal_places=1, min_value=0)
    limit_a = serializers.DecimalField(required=False, max_digits=6, decimal_places=1, min_value=0)
    phases = serializers.IntegerField(required=False, min_value=1, max_value=3)
    until = serializers.DateTimeField(required=False)
    stack_level = serializers.IntegerField(required=False, min_value=0, max_value=999)
    profile = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)

    def validate(self, wish):
        given = [name for name in ("limit_w", "limit_a", "profile") if name in wish]
        if len(given) != 1:
            raise serializers.ValidationError("Send one of limit_w, limit_a and profile.")
        station = wish["station"]
        if "evse" in wish:
            wish["evse"] = Evse.objects.filter(station=station, number=wish["evse"]).first()
            if wish["evse"] is None:
                raise serializers.ValidationError({"evse": "The station has no such EVSE."})
        if "session" in wish:
            sessions = Session.objects.filter(station=station).select_related("evse", "station")
            wish["session"] = sessions.filter(pk=wish["session"]).first()
            if wish["session"] is None:
                raise serializers.ValidationError({"session": "The station has no such session."})
        if "profile" in wish:
            named = ChargingProfile.objects.filter(operator=station.site.operator_id, pk=wish["profile"])
            wish["profile"] = named.first()
            if wish["profile"] is None:
                raise serializers.ValidationError({"profile": "There is no such profile."})
        return wish


class InstalledProfileFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")
    evse = filters.NumberFilter(field_name="evse__number")

    class Meta:
        model = InstalledProfile
        fields = ["state", "purpose", "source", "session"]


class InstalledProfiles(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = InstalledProfile.objects.select_related("station", "evse")
    serializer_class = InstalledProfileSerializer
    filterset_class = InstalledProfileFilter
    page_ordering = ("-sent_at", "-pk")
    http_method_names = ["get", "post", "delete"]
    needs = {"list": "view_ops", "retrieve": "view_ops", "create": "command", "destroy": "command"}

    @extend_schema(request=LimitWishSerializer, responses={201: InstalledProfileSerializer})
    def create(self, request):
        parsed = LimitWishSerializer(data=request.data, context=self.get_serializer_context())
        parsed.is_valid(raise_exception=True)
        wish = dict(parsed.validated_data)
        by = {"by": request.user}
        try:
            if "profile" in wish:
                place = {
                    name: wish[name] for name in ("station", "evse", "session", "profile") if name in wish
                }
                row = charging_profiles.install(**place, **by)
            else:
                wish["watts"], wish["amps"] = wish.pop("limit_w", None), wish.pop("limit_a", None)
                row = charging_profiles.set_limit(**wish, **by)
        except exceptions.Refused as refusal:
            raise problems.Refused(str(refusal)) from None
        row.refresh_from_db()
        return Response(self.get_serializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={202: CommandSerializer})
    def destroy(self, request, pk=None):
        """The charger is asked to drop it; the row's state says when it has."""
        row = self.get_object()
        if row.state == InstalledProfile.State.CLEARED or row.profile_id < 1:
            raise problems.Refused("It isn't there any more, or it is not the operator's to lift.")
        command = charging_profiles.clear(row=row, by=request.user)
        return Response(CommandSerializer(command).data, status=status.HTTP_202_ACCEPTED)


class MonitorSerializer(serializers.ModelSerializer):
    station = RowField(name="identity", rows=lambda access, may: Station.objects.visible_to(access, may))
    evse = serializers.IntegerField(source="evse.number", required=False, min_value=1)
    type = serializers.ChoiceField(choices=MonitorType.choices)
    severity = serializers.IntegerField(min_value=0, max_value=9, default=8)
    command = serializers.UUIDField(source="command_id", read_only=True, allow_null=True)

    class Meta:
        model = Monitor
        fields = [
            "id",
            "station",
            "evse",
            "connector_number",
            "component",
            "component_instance",
            "variable",
            "variable_instance",
            "type",
            "value",
            "severity",
            "in_transaction",
            "monitor_id",
            "origin",
            "state",
            "reason",
            "last_value",
            "last_value_at",
            "stream_interval_s",
            "command",
            "changed_at",
        ]
        read_only_fields = [
            "monitor_id",
            "origin",
            "state",
            "reason",
            "last_value",
            "last_value_at",
            "stream_interval_s",
            "changed_at",
        ]


class MonitorFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")
    evse = filters.NumberFilter(field_name="evse__number")

    class Meta:
        model = Monitor
        fields = ["state", "component", "variable", "type"]


class Monitors(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, Resource):
    queryset = Monitor.objects.select_related("station", "evse")
    serializer_class = MonitorSerializer
    filterset_class = MonitorFilter
    page_ordering = ("-pk",)
    http_method_names = ["get", "post", "delete"]
    needs = {"list": "view_ops", "retrieve": "view_ops", "create": "command", "destroy": "command"}

    def perform_create(self, serializer):
        words = dict(serializer.validated_data)
        station, number = words.pop("station"), words.pop("evse", {}).get("number")
        if number:
            get_object_or_404(Evse, station=station, number=number)
        try:
            [row] = monitors.set_monitors(
                station=station, wishes=[monitors.Wish(evse_number=number, **words)], by=self.request.user
            )
        except exceptions.Refused as refusal:
            raise problems.Refused(str(refusal)) from None
        row.refresh_from_db()
        serializer.instance = row

    @extend_schema(responses={202: CommandSerializer})
    def destroy(self, request, pk=None):
        row = self.get_object()
        if row.state != Monitor.State.SET or row.monitor_id is None:
            raise problems.Refused("The charger doesn't have it.")
        command = monitors.clear_monitors(station=row.station, monitor_ids=[row.monitor_id], by=request.user)
        return Response(CommandSerializer(command).data, status=status.HTTP_202_ACCEPTED)

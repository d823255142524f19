"""`/api/v1/stations/`: chargers by their OCPP identity, and what they are told."""

from django.conf import settings
from django.db import IntegrityError, transaction
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.response import Response

from evportal.rest.fields import JSONField, RowField
from evportal.rest.filters import TrueFalse
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource
from stations import commands, registry
from stations.api.commands import CommandSerializer
from stations.api.configuration import RunSerializer, SettingsWishSerializer, wait
from stations.api.evses import ConnectorSerializer
from stations.api.waiting import Waiting
from stations.exceptions import InvalidPayload, UnknownAction
from stations.exceptions import Refused as StationRefused
from stations.models import Connector, Evse, Site, Station
from stations.ocpp.door import MAX_IDENTITY

LONGEST_WAIT = 60
#: The shortest password that is taken; OCPP's own keys have 16 characters and more.
SHORTEST_PASSWORD = 8


class StationEvseSerializer(serializers.ModelSerializer):
    number = serializers.IntegerField(min_value=1, max_value=1000)
    public_id = serializers.CharField(max_length=48, required=False)
    connectors = ConnectorSerializer(many=True, required=False)
    state = serializers.CharField(source="shown_state", read_only=True)

    class Meta:
        model = Evse
        fields = ["id", "number", "public_id", "max_power_w", "state", "state_at", "error_code", "connectors"]
        read_only_fields = ["state_at", "error_code"]

    def validate_public_id(self, public_id):
        if Evse.objects.for_public_id(public_id).exists():
            raise serializers.ValidationError("This public id is taken.")
        return public_id

    def validate_connectors(self, connectors):
        return once_each(connectors, "connector") or [{"number": 1}]

    def validate(self, evse):
        evse.setdefault("connectors", [{"number": 1, "standard": Connector.Standard.TYPE_2}])
        return evse


class StationSerializer(serializers.ModelSerializer):
    site = RowField(name="slug", rows=Site.objects.visible_to, help_text="Its slug or its number.")
    identity = serializers.CharField(max_length=MAX_IDENTITY)
    name = serializers.CharField(max_length=80, required=False)
    password = serializers.CharField(
        min_length=SHORTEST_PASSWORD, max_length=100, write_only=True, required=False, trim_whitespace=False
    )
    evses = StationEvseSerializer(many=True, required=False)
    online = serializers.BooleanField(source="is_online", read_only=True)

    class Meta:
        model = Station
        fields = [
            "id",
            "site",
            "identity",
            "name",
            "password",
            "security_profile",
            "registration",
            "evses",
            "online",
            "ocpp_version",
            "vendor",
            "model",
            "serial_number",
            "firmware",
            "connected_at",
            "disconnected_at",
            "last_seen_at",
            "booted_at",
            "created_at",
        ]
        read_only_fields = ["ocpp_version", "vendor", "model", "serial_number", "firmware"]

    def validate_identity(self, identity):
        if any(not letter.isprintable() for letter in identity) or identity != identity.strip("/"):
            raise serializers.ValidationError(
                "An identity has only printable characters, and no slash at its ends."
            )
        if Station.objects.for_identity(identity).exists():
            raise serializers.ValidationError("There is a charger with this identity already.")
        return identity

    def validate_security_profile(self, profile):
        if profile == 0 and not settings.DEBUG:
            raise serializers.ValidationError("Profile 0, without a password, is for development only.")
        return profile

    def validate_evses(self, evses):
        return once_each(evses, "EVSE")

    def validate(self, fields):
        profile = fields.get("security_profile", 1)
        if self.instance is None and profile in (1, 2) and "password" not in fields:
            raise serializers.ValidationError({"password": "Security profiles 1 and 2 take a password."})
        return fields


class StationChangeSerializer(StationSerializer):
    """Who it is and what it has stays: other rows rest on it."""

    class Meta(StationSerializer.Meta):
        read_only_fields = [*StationSerializer.Meta.read_only_fields, "identity", "evses"]

    identity = serializers.CharField(read_only=True)
    evses = StationEvseSerializer(many=True, read_only=True)


def once_each(rows: list[dict], what: str) -> list[dict]:
    numbers = [row["number"] for row in rows]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    if twice:
        raise serializers.ValidationError(f"There are two of {what} {twice[0]}.")
    return rows


class CallSerializer(Waiting):
    """One call, in the words of the station's version."""

    action = serializers.CharField(max_length=50)
    payload = JSONField(default=dict)


class StationFilter(filters.FilterSet):
    site = filters.CharFilter(field_name="site__slug")
    online = TrueFalse(field_name="connection", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Station
        fields = ["site", "online", "ocpp_version", "registration"]


class Stations(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    Resource,
):
    queryset = Station.objects.select_related("site__operator").prefetch_related("evses__connectors")
    serializer_class = StationSerializer
    filterset_class = StationFilter
    page_ordering = "pk"
    lookup_field = "identity"
    # An identity may hold dots, colons and slashes; what follows it here are the only other addresses.
    lookup_value_regex = r"(?:(?!/(?:commands|configuration)/?$).)+"
    http_method_names = ["get", "post", "patch", "delete"]
    needs = {
        "list": "view_ops",
        "retrieve": "view_ops",
        "create": "manage_stations",
        "partial_update": "manage_stations",
        "destroy": "manage_stations",
        "commands": "command",
        "configuration": "command",
    }

    def get_serializer_class(self):
        return StationChangeSerializer if self.action == "partial_update" else StationSerializer

    def perform_create(self, serializer):
        try:
            with transaction.atomic():
                serializer.instance = registry.add(**{"evses": [], **serializer.validated_data})
        except IntegrityError:
            # Somebody entered the same between the check and now.
            raise Refused("There is a charger with this identity or public id already.") from None
        # What was shown as free a moment ago must be read from the rows just made.
        serializer.instance = self.get_queryset().get(pk=serializer.instance.pk)

    def perform_update(self, serializer):
        by = self.request.user
        serializer.instance = registry.change(station=serializer.instance, by=by, **serializer.validated_data)

    def perform_destroy(self, station):
        try:
            registry.remove(row=station)
        except registry.StillNeeded as error:
            raise Refused(str(error)) from None

    @extend_schema(
        request=CallSerializer,
        responses={201: CommandSerializer},
        parameters=[
            OpenApiParameter(
                "wait",
                float,
                description=f"Hold the reply until the charger answered, at most {LONGEST_WAIT} s.",
            )
        ],
    )
    @action(detail=True, methods=["post"], url_path="commands")
    def commands(self, request, identity=None):
        station = self.get_object()
        seconds = waiting_time(request.query_params.get("wait", "0"))
        call = CallSerializer(data=request.data)
        call.is_valid(raise_exception=True)
        try:
            command = commands.send(station=station, by=request.user, **call.validated_data)
        except UnknownAction as error:
            raise serializers.ValidationError({"action": [str(error)]}) from None
        except InvalidPayload as error:
            raise serializers.ValidationError({"payload": [str(error)]}) from None
        except StationRefused as error:
            raise Refused(str(error)) from None
        commands.wait(command, seconds)
        return Response(CommandSerializer(command).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        request=SettingsWishSerializer,
        responses={201: RunSerializer},
        parameters=[
            OpenApiParameter(
                "wait", float, description=f"Hold the reply until it is over, at most {LONGEST_WAIT} s."
            )
        ],
    )
    @action(detail=True, methods=["post"], url_path="configuration")
    def configuration(self, request, identity=None):
        station = self.get_object()
        seconds = waiting_time(request.query_params.get("wait", "0"))
        wish = SettingsWishSerializer(data=request.data, context={"station": station})
        wish.is_valid(raise_exception=True)
        if wish.needs_management and not request.access.may_at("manage_stations", station.site):
            raise PermissionDenied("That takes a role that manages chargers.")
        try:
            run = wish.start(station, request.user)
        except StationRefused as error:
            raise Refused(str(error)) from None
        return Response(RunSerializer(wait(run, seconds)).data, status=status.HTTP_201_CREATED)


def waiting_time(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    # A NaN is less than nothing, and more.
    if not seconds >= 0:
        raise serializers.ValidationError({"wait": "A number of seconds."})
    return min(seconds, LONGEST_WAIT)

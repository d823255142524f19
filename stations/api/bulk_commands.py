"""`/api/v1/bulk-commands/`: one order to many chargers."""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response

from evportal.rest.fields import JSONField
from evportal.rest.problems import Refused as Conflict
from evportal.rest.resources import Resource
from stations import bulk
from stations.api.waiting import Waiting
from stations.exceptions import InvalidPayload, Refused, UnknownAction
from stations.models import BulkCommand, Station
from stations.ocpp import schemas


class CallOfVersion(serializers.Serializer):
    """A call in the words of one version."""

    ocpp_version = serializers.ChoiceField(choices=schemas.VERSIONS)
    action = serializers.CharField(max_length=50)
    payload = JSONField(default=dict)


class Arguments(serializers.Serializer):
    """What the usual orders take; which, `command` says."""

    hard = serializers.BooleanField(required=False, help_text="reset: at once, not when idle.")
    evse = serializers.IntegerField(
        required=False, min_value=1, help_text="reset (2.x), trigger, availability, unlock: one EVSE only."
    )
    connector = serializers.IntegerField(required=False, min_value=1, help_text="unlock.")
    message = serializers.CharField(required=False, max_length=50, help_text="trigger: which one.")
    operative = serializers.BooleanField(required=False, help_text="availability: in or out of service.")


TAKES = {
    "reset": ({"hard", "evse"}, set()),
    "trigger": ({"message", "evse"}, {"message"}),
    "availability": ({"operative", "evse"}, {"operative"}),
    "unlock": ({"evse", "connector"}, set()),
    "clear-cache": (set(), set()),
    "local-list-version": (set(), set()),
}


class OrderSerializer(Waiting):
    """Which: `stations`, `sites` and `ocpp_version` narrow it down. What: a `command`, or `calls`."""

    stations = serializers.ListField(
        child=serializers.CharField(max_length=48), required=False, max_length=bulk.MOST
    )
    sites = serializers.ListField(child=serializers.CharField(max_length=100), required=False)
    ocpp_version = serializers.ChoiceField(choices=schemas.VERSIONS, required=False)
    command = serializers.ChoiceField(choices=sorted(TAKES), required=False)
    arguments = Arguments(required=False)
    calls = CallOfVersion(many=True, required=False)

    def validate(self, fields):
        fields = super().validate(fields)
        if not fields.get("stations") and not fields.get("sites"):
            raise serializers.ValidationError({"stations": "Name stations or sites."})
        if ("command" in fields) == bool(fields.get("calls")):
            raise serializers.ValidationError({"command": "Send either a command or calls."})
        if "command" in fields:
            given = set(fields.get("arguments") or {})
            may, must = TAKES[fields["command"]]
            if given - may or must - given:
                words = f"“{fields['command']}” takes {', '.join(sorted(may)) or 'none'}"
                needs = f" and needs {', '.join(sorted(must))}" if must else ""
                raise serializers.ValidationError({"arguments": f"{words}{needs}."})
        return fields

    def calls_by_version(self) -> dict[str, dict]:
        fields = self.validated_data
        if "command" in fields:
            return bulk.calls_for(fields["command"], **(fields.get("arguments") or {}))
        return {
            call["ocpp_version"]: {"action": call["action"], "payload": call["payload"]}
            for call in fields["calls"]
        }


class SkippedSerializer(serializers.Serializer):
    station = serializers.CharField()
    why = serializers.CharField()


class BulkCommandSerializer(serializers.ModelSerializer):
    operator = serializers.CharField(source="operator.slug", read_only=True)
    calls = serializers.DictField(read_only=True, help_text="By OCPP version.")
    stations = serializers.SerializerMethodField(help_text="How many chargers are told.")
    counts = serializers.SerializerMethodField(help_text="How many of them are where.")
    skipped = serializers.SerializerMethodField()
    expires_at = serializers.SerializerMethodField(
        help_text="Until when calls wait for chargers that are away; null where they don't."
    )

    class Meta:
        model = BulkCommand
        fields = [
            "id",
            "operator",
            "what",
            "calls",
            "stations",
            "counts",
            "skipped",
            "retry_of",
            "created_at",
            "told_at",
            "expires_at",
        ]

    def get_stations(self, made) -> int:
        return len(made.stations)

    def get_counts(self, made) -> dict[str, int]:
        return bulk.counts(made)

    def get_skipped(self, made) -> list[dict]:
        if self.context["view"].action == "list":
            return []
        names = dict(
            Station.objects.filter(pk__in=[each["station"] for each in made.skipped]).values_list(
                "pk", "identity"
            )
        )
        return [
            {"station": names[each["station"]], "why": each["why"]}
            for each in made.skipped
            if each["station"] in names
        ]

    def get_expires_at(self, made) -> str | None:
        return (made.created_at + made.keep_for).isoformat() if made.keep_for else None


class BulkCommands(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, Resource):
    """Each charger's part is a command of its own: `commands/?bulk=<id>`."""

    queryset = BulkCommand.objects.select_related("operator")
    serializer_class = BulkCommandSerializer
    page_ordering = ("-created_at", "-pk")
    lookup_value_regex = "[^/]+"
    needs = {
        "list": "view_messages",
        "retrieve": "view_messages",
        "create": "command",
        "retry": "command",
        "cancel": "command",
    }

    @extend_schema(request=OrderSerializer, responses={201: BulkCommandSerializer})
    def create(self, request):
        order = OrderSerializer(data=request.data)
        order.is_valid(raise_exception=True)
        fields = order.validated_data
        chosen = self._chosen(fields)
        operators = {station.site.operator for station in chosen}
        if not operators:
            raise serializers.ValidationError({"stations": "None of yours is among these."})
        if len(operators) > 1:
            raise serializers.ValidationError({"stations": "They belong to several operators."})
        try:
            made = bulk.order(
                operator=operators.pop(),
                stations=chosen,
                what=fields.get("command")
                or " / ".join(sorted({call["action"] for call in fields["calls"]})),
                calls=order.calls_by_version(),
                by=request.user,
                keep_for=fields["keep_for"],
            )
        except (UnknownAction, InvalidPayload) as error:
            raise serializers.ValidationError({"calls": [str(error)]}) from None
        except Refused as refusal:
            raise Conflict(str(refusal)) from None
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)

    def _chosen(self, fields) -> list[Station]:
        rows = Station.objects.visible_to(self.request.access, "command").select_related("site__operator")
        if wanted := fields.get("stations"):
            known = set(rows.filter(identity__in=wanted).values_list("identity", flat=True))
            if unknown := [name for name in wanted if name not in known]:
                raise serializers.ValidationError(
                    {"stations": [f"There is no “{name[:48]}” here." for name in unknown[:20]]}
                )
            rows = rows.filter(identity__in=wanted)
        if wanted := fields.get("sites"):
            known = set(rows.filter(site__slug__in=wanted).values_list("site__slug", flat=True))
            if unknown := [name for name in wanted if name not in known]:
                raise serializers.ValidationError(
                    {"sites": [f"There is no charger of yours at “{name[:100]}”." for name in unknown[:20]]}
                )
            rows = rows.filter(site__slug__in=wanted)
        if version := fields.get("ocpp_version"):
            rows = rows.filter(ocpp_version=version)
        return list(rows.order_by("pk"))

    @extend_schema(request=Waiting, responses={201: BulkCommandSerializer})
    @action(detail=True, methods=["post"])
    def retry(self, request, pk=None):
        """The same to the chargers that did not do it."""
        made = self.get_object()
        waiting = Waiting(data=request.data)
        waiting.is_valid(raise_exception=True)
        mine = self._mine()
        stations = [station for station in bulk.failed_stations(made) if station.pk in mine]
        try:
            again = bulk.retry(
                bulk=made, stations=stations, by=request.user, keep_for=waiting.validated_data["keep_for"]
            )
        except Refused as refusal:
            raise Conflict(str(refusal)) from None
        return Response(self.get_serializer(again).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={200: BulkCommandSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk=None):
        """Take back what still waits."""
        made = self.get_object()
        waiting = made.commands.filter(status="queued", station__in=self._mine())
        bulk.cancel(bulk=made, commands_=waiting, by=request.user)
        made.refresh_from_db()
        return Response(self.get_serializer(made).data)

    def _mine(self) -> set[int]:
        rows = Station.objects.visible_to(self.request.access, "command")
        return set(rows.values_list("pk", flat=True))

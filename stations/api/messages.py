"""`/api/v1/messages/`: every frame to and from chargers, as it went over the wire."""

from django_filters import rest_framework as filters
from rest_framework import mixins, serializers

from evportal.rest.resources import Resource
from stations.models import Message

IN, OUT = "in", "out"


class MessageSerializer(serializers.ModelSerializer):
    station = serializers.CharField(source="station.identity", read_only=True)
    direction = serializers.SerializerMethodField()

    class Meta:
        model = Message
        fields = [
            "id",
            "at",
            "station",
            "direction",
            "kind",
            "message_id",
            "action",
            "version",
            "frame",
            "answer",
            "command",
        ]

    def get_direction(self, message) -> str:
        return IN if message.from_station else OUT


class MessageFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")
    direction = filters.ChoiceFilter(
        choices=[(IN, "from the charger"), (OUT, "to the charger")], method="by_direction"
    )
    after = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    before = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = Message
        fields = ["action", "kind", "message_id", "command"]

    def by_direction(self, queryset, _name, direction):
        return queryset.filter(from_station=direction == IN)


class Messages(mixins.ListModelMixin, Resource):
    queryset = Message.objects.select_related("station")
    serializer_class = MessageSerializer
    filterset_class = MessageFilter
    page_ordering = ("-at", "-id")
    needs = {"list": "view_messages"}

"""`/api/v1/commands/`: what chargers were told, and what they answered."""

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from evportal.rest.problems import Refused as Conflict
from evportal.rest.resources import Resource
from stations import commands
from stations.exceptions import AlreadySent
from stations.models import Command


class CommandSerializer(serializers.ModelSerializer):
    station = serializers.CharField(source="station.identity", read_only=True)
    payload = serializers.DictField(read_only=True)
    response = serializers.DictField(
        read_only=True, allow_null=True, help_text="The charger's payload, untouched."
    )

    class Meta:
        model = Command
        fields = [
            "id",
            "station",
            "action",
            "payload",
            "status",
            "response",
            "error_code",
            "error_description",
            "reason",
            "created_at",
            "sent_at",
            "answered_at",
            "expires_at",
            "waits",
            "bulk",
        ]


class CommandFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")

    class Meta:
        model = Command
        fields = ["station", "action", "status", "bulk"]


class Commands(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Payloads carry tokens and keys, so they are for those who may read the message log."""

    queryset = Command.objects.select_related("station")
    serializer_class = CommandSerializer
    filterset_class = CommandFilter
    page_ordering = ("-created_at", "-pk")
    lookup_value_regex = "[^/]+"
    needs = {"list": "view_messages", "retrieve": "view_messages", "cancel": "command"}

    @extend_schema(request=None, responses={200: CommandSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk=None):
        """Take back a call that still waits for its charger."""
        try:
            command = commands.cancel(command=self.get_object(), by=request.user)
        except AlreadySent as refusal:
            raise Conflict(str(refusal)) from None
        return Response(self.get_serializer(command).data)

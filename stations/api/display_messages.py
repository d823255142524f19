"""`/api/v1/display-messages/`: what chargers show to people; for one charger or for a whole site."""

from django.shortcuts import get_object_or_404
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.response import Response

from evportal.rest.problems import Refused
from evportal.rest.resources import Resource
from stations import display
from stations import exceptions as refusals
from stations.models import DisplayMessage, Site, Station


class TextSerializer(serializers.Serializer):
    content = serializers.CharField(max_length=1024)
    language = serializers.CharField(max_length=8, required=False, default="", allow_blank=True)
    format = serializers.ChoiceField(DisplayMessage.Format.choices, default="UTF8")


class DisplayMessageSerializer(serializers.ModelSerializer):
    station = serializers.CharField(source="station.identity", read_only=True)
    texts = TextSerializer(many=True, read_only=True)

    class Meta:
        model = DisplayMessage
        fields = [
            "id",
            "station",
            "number",
            "status",
            "error",
            "texts",
            "priority",
            "state",
            "starts_at",
            "ends_at",
            "transaction_id",
            "is_foreign",
            "command",
            "created_at",
        ]


class ShowSerializer(serializers.Serializer):
    """Exactly one of `station` (its identity) and `site` (its slug)."""

    station = serializers.CharField(max_length=48, required=False)
    site = serializers.SlugField(required=False)
    texts = TextSerializer(many=True, allow_empty=False, max_length=5)
    priority = serializers.ChoiceField(DisplayMessage.Priority.choices, default="NormalCycle")
    state = serializers.ChoiceField(
        DisplayMessage.State.choices, required=False, default="", allow_blank=True
    )
    starts_at = serializers.DateTimeField(required=False, allow_null=True, default=None)
    ends_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def validate(self, data):
        if ("station" in data) == ("site" in data):
            raise serializers.ValidationError({"station": "Name a station or a site."})
        if data["starts_at"] and data["ends_at"] and data["ends_at"] <= data["starts_at"]:
            raise serializers.ValidationError({"ends_at": "The end must be after the beginning."})
        return data


class DisplayMessageFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")

    class Meta:
        model = DisplayMessage
        fields = ["station", "status"]


class DisplayMessages(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, Resource):
    queryset = DisplayMessage.objects.select_related("station")
    serializer_class = DisplayMessageSerializer
    filterset_class = DisplayMessageFilter
    http_method_names = ["get", "post", "delete"]
    page_ordering = ("-created_at", "-pk")
    needs = {"list": "view_ops", "retrieve": "view_ops", "create": "command", "destroy": "command"}

    @extend_schema(request=ShowSerializer, responses={201: DisplayMessageSerializer(many=True)})
    def create(self, request):
        asked = ShowSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        message = dict(asked.validated_data)
        station, site = message.pop("station", None), message.pop("site", None)
        try:
            if station is not None:
                mine = Station.objects.visible_to(request.access, self.permission)
                rows = [
                    display.show(
                        station=get_object_or_404(mine, identity=station), by=request.user, **message
                    )
                ]
            else:
                sites = Site.objects.visible_to(request.access, self.permission)
                rows = display.show_at_site(
                    site=get_object_or_404(sites, slug=site), by=request.user, **message
                )
        except refusals.Refused as refusal:
            raise Refused(str(refusal)) from None
        data = DisplayMessageSerializer(rows, many=True).data
        return Response(data, status=status.HTTP_201_CREATED)

    def perform_destroy(self, message):
        """The charger is asked to take it down; the row tells when it has."""
        try:
            display.clear(message=message, by=self.request.user)
        except refusals.Refused as refusal:
            raise Refused(str(refusal)) from None

"""`/api/v1/logs/`: ask a charger for a log, and fetch what it left."""

from django.http import Http404
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action

from evportal.rest.fields import RowField
from evportal.rest.resources import Resource
from stations import logs
from stations.api.refusals import told
from stations.files import streams, tickets
from stations.models import LogRequest, Station


class LogSerializer(serializers.ModelSerializer):
    station = RowField(
        name="identity", rows=lambda access, permission: Station.objects.visible_to(access, permission)
    )
    has_file = serializers.SerializerMethodField(help_text="`logs/<id>/file/` gives it out.")

    class Meta:
        model = LogRequest
        fields = [
            "id",
            "station",
            "kind",
            "oldest",
            "latest",
            "state",
            "state_at",
            "status",
            "problem",
            "command",
            "has_file",
            "name",
            "size",
            "sha256",
            "received_at",
            "expires_at",
            "created_at",
        ]
        read_only_fields = [
            "state",
            "state_at",
            "status",
            "problem",
            "command",
            "name",
            "size",
            "sha256",
            "received_at",
            "expires_at",
            "created_at",
        ]

    def get_has_file(self, row) -> bool:
        return bool(row.file)


class LogFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")

    class Meta:
        model = LogRequest
        fields = ["station", "kind", "state"]


class Logs(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, Resource):
    queryset = LogRequest.objects.select_related("station")
    serializer_class = LogSerializer
    filterset_class = LogFilter
    page_ordering = ("-pk",)
    http_method_names = ["get", "post"]
    needs = {
        "list": "view_messages",
        "retrieve": "view_messages",
        "file": "view_messages",
        "create": "command",
    }

    def perform_create(self, serializer):
        with told():
            serializer.instance = logs.request(by=self.request.user, **serializer.validated_data)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True)
    def file(self, request, pk=None):
        found = self.get_object()
        if not found.file:
            raise Http404
        name = tickets.safe_name(found.name, f"log-{found.pk}.bin")
        return streams.send(request, found.file, name=name, size=found.size, etag=found.sha256)

"""`/api/v1/local-lists/`: the tokens that each charger keeps by itself, and sending them anew."""

from django.shortcuts import get_object_or_404
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.response import Response

from evportal.rest.resources import Resource
from stations import local_lists
from stations.models import LocalList, Station


class LocalListSerializer(serializers.ModelSerializer):
    station = serializers.CharField(source="station.identity", read_only=True)
    entries = serializers.SerializerMethodField(help_text="How many the charger has accepted.")

    class Meta:
        model = LocalList
        fields = [
            "id",
            "station",
            "state",
            "version",
            "reported_version",
            "entries",
            "left_out",
            "error",
            "sent_at",
            "accepted_at",
            "command",
        ]

    def get_entries(self, row) -> int:
        return len(row.entries)


class SendSerializer(serializers.Serializer):
    """The charger to which the whole list goes."""

    station = serializers.CharField(max_length=48)


class LocalListFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")

    class Meta:
        model = LocalList
        fields = ["station", "state"]


class LocalLists(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = LocalList.objects.select_related("station")
    serializer_class = LocalListSerializer
    filterset_class = LocalListFilter
    http_method_names = ["get", "post"]
    page_ordering = "pk"
    needs = {"list": "view_ops", "retrieve": "view_ops", "create": "command"}

    @extend_schema(request=SendSerializer, responses={201: LocalListSerializer})
    def create(self, request):
        asked = SendSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        mine = Station.objects.visible_to(request.access, self.permission).select_related("site")
        station = get_object_or_404(mine, identity=asked.validated_data["station"])
        row = local_lists.send_all(station=station, by=request.user)
        return Response(LocalListSerializer(row).data, status=status.HTTP_201_CREATED)

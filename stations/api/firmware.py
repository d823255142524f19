"""`/api/v1/firmware-…/`: images, their installation at one charger, and campaigns for many."""

from django.db.models import Count, Q
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, parsers, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from evportal.rest.fields import RowField
from evportal.rest.incoming import JSONParser
from evportal.rest.resources import Resource, operator_for
from stations.api.refusals import told
from stations.firmware import campaigns, images, updates
from stations.models import Campaign, CampaignStation, FirmwareImage, FirmwareUpdate, Site, Station

Row = CampaignStation.State


class FirmwareImageSerializer(serializers.ModelSerializer):
    operator = serializers.SlugField(
        source="operator.slug", required=False, help_text="Needed only by those who work for several."
    )
    file = serializers.FileField(
        write_only=True, required=False, help_text="Sent as multipart/form-data; or else a `url`."
    )
    vendor = serializers.CharField(max_length=60)
    version = serializers.CharField(
        max_length=60, help_text="Exactly what the charger calls itself once it runs."
    )
    model_pattern = serializers.CharField(max_length=60, default="*", help_text="`*` stands for any letters.")
    url = serializers.URLField(required=False, max_length=512, help_text="https only.")
    md5 = serializers.RegexField(r"\A[0-9a-fA-F]{32}\Z", required=False, help_text="Of a file elsewhere.")
    signing_certificate = serializers.CharField(required=False, max_length=5500, help_text="PEM.")
    signature = serializers.CharField(required=False, max_length=800, help_text="Base64.")
    notes = serializers.CharField(required=False, max_length=500)

    class Meta:
        model = FirmwareImage
        fields = [
            "id",
            "operator",
            "vendor",
            "model_pattern",
            "version",
            "name",
            "file",
            "url",
            "size",
            "sha256",
            "md5",
            "signing_certificate",
            "signature",
            "notes",
            "is_retired",
            "created_at",
        ]
        read_only_fields = ["name", "size", "sha256", "is_retired"]


class StepSerializer(serializers.Serializer):
    status = serializers.CharField()
    at = serializers.DateTimeField()
    note = serializers.CharField()


class FirmwareUpdateSerializer(serializers.ModelSerializer):
    station = serializers.CharField(source="station.identity", read_only=True)
    version = serializers.CharField(source="image.version", read_only=True)
    steps = StepSerializer(many=True, read_only=True)

    class Meta:
        model = FirmwareUpdate
        fields = [
            "id",
            "station",
            "image",
            "version",
            "from_version",
            "state",
            "state_at",
            "problem",
            "retrieve_at",
            "install_at",
            "expires_at",
            "command",
            "created_at",
            "steps",
        ]
        read_only_fields = fields


def _stations(access, permission):
    return Station.objects.visible_to(access, permission)


class InstallSerializer(serializers.Serializer):
    """One charger, by its identity."""

    station = RowField(name="identity", rows=_stations)
    retrieve_at = serializers.DateTimeField(required=False)
    install_at = serializers.DateTimeField(required=False)
    retries = serializers.IntegerField(required=False, min_value=0, max_value=20)
    retry_interval_s = serializers.IntegerField(required=False, min_value=0, max_value=86_400)
    replace = serializers.BooleanField(
        default=False, help_text="Give up an update of this charger that is under way."
    )


class FirmwareImageFilter(filters.FilterSet):
    class Meta:
        model = FirmwareImage
        fields = ["vendor", "version", "is_retired"]


class FirmwareImages(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.DestroyModelMixin,
    Resource,
):
    queryset = FirmwareImage.objects.select_related("operator")
    serializer_class = FirmwareImageSerializer
    filterset_class = FirmwareImageFilter
    page_ordering = ("-pk",)
    parser_classes = [JSONParser, parsers.MultiPartParser]
    http_method_names = ["get", "post", "delete"]
    needs = {
        "list": "view_ops",
        "retrieve": "view_ops",
        "create": "manage_stations",
        "destroy": "manage_stations",
        "install": "manage_stations",
    }

    def initial(self, request, *args, **kwargs):
        if self.action == "create":
            # A file is larger than the limit of all other bodies (its own is in `files.bodies`), and is not
            # read a second time to recognise a repeat.
            viewsets.GenericViewSet.initial(self, request, *args, **kwargs)
        else:
            super().initial(request, *args, **kwargs)

    def perform_create(self, serializer):
        data = dict(serializer.validated_data)
        slug = data.pop("operator", {}).get("slug", "")
        operator = operator_for(self.request, self.permission, slug)
        with told():
            serializer.instance = images.add(
                operator=operator, upload=data.pop("file", None), by=self.request.user, **data
            )

    def perform_destroy(self, image):
        images.retire(image=image)

    @extend_schema(request=InstallSerializer, responses={201: FirmwareUpdateSerializer})
    @action(detail=True, methods=["post"])
    def install(self, request, pk=None):
        image = self.get_object()
        wanted = InstallSerializer(data=request.data, context=self.get_serializer_context())
        wanted.is_valid(raise_exception=True)
        with told():
            update = updates.start(image=image, by=request.user, **wanted.validated_data)
        return Response(FirmwareUpdateSerializer(update).data, status=status.HTTP_201_CREATED)


class FirmwareUpdateFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")

    class Meta:
        model = FirmwareUpdate
        fields = ["station", "image", "state"]


class FirmwareUpdates(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = FirmwareUpdate.objects.select_related("station", "image").prefetch_related("steps")
    serializer_class = FirmwareUpdateSerializer
    filterset_class = FirmwareUpdateFilter
    page_ordering = ("-pk",)
    needs = {"list": "view_ops", "retrieve": "view_ops"}


class CampaignSerializer(serializers.ModelSerializer):
    image = RowField(name="version", shown="pk", rows=lambda access, right: _images(access, right))
    sites = serializers.ListField(
        child=RowField(
            name="slug", rows=lambda access, permission: Site.objects.visible_to(access, permission)
        ),
        write_only=True,
        required=False,
    )
    model = serializers.CharField(write_only=True, required=False, max_length=60)
    version = serializers.CharField(
        write_only=True, required=False, max_length=60, help_text="Only chargers that run this now."
    )
    name = serializers.CharField(required=False, max_length=100, default="")
    starts_at = serializers.DateTimeField(required=False)
    wave_size = serializers.IntegerField(min_value=1, max_value=10_000, default=10)
    wave_percent = serializers.IntegerField(min_value=1, max_value=100, required=False, allow_null=True)
    pause_minutes = serializers.IntegerField(min_value=0, max_value=10_080, default=0)
    stop_percent = serializers.IntegerField(min_value=0, max_value=100, default=10)
    counts = serializers.SerializerMethodField(help_text="Chargers by state.")

    class Meta:
        model = Campaign
        fields = [
            "id",
            "name",
            "image",
            "sites",
            "model",
            "version",
            "state",
            "starts_at",
            "wave_size",
            "wave_percent",
            "pause_minutes",
            "stop_percent",
            "busy",
            "wave",
            "next_wave_at",
            "ended_at",
            "created_at",
            "counts",
        ]
        read_only_fields = ["state", "wave", "next_wave_at", "ended_at"]

    def get_counts(self, row) -> dict[str, int]:
        return {state: getattr(row, f"count_{state}", 0) for state in Row.values}


def _images(access, permission):
    return FirmwareImage.objects.visible_to(access, permission).filter(is_retired=False)


class CampaignStationSerializer(serializers.ModelSerializer):
    station = serializers.CharField(source="station.identity", read_only=True)
    firmware = serializers.CharField(source="station.firmware", read_only=True)

    class Meta:
        model = CampaignStation
        fields = ["station", "firmware", "state", "note", "wave", "update", "changed_at"]
        read_only_fields = fields


class Campaigns(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, Resource):
    queryset = Campaign.objects.select_related("image").annotate(
        **{f"count_{state}": Count("rows", filter=Q(rows__state=state)) for state in Row.values}
    )
    serializer_class = CampaignSerializer
    page_ordering = ("-pk",)
    http_method_names = ["get", "post"]
    needs = {
        "list": "view_ops",
        "retrieve": "view_ops",
        "stations": "view_ops",
        "create": "manage_stations",
        "pause": "manage_stations",
        "resume": "manage_stations",
        "cancel": "manage_stations",
        "retry": "manage_stations",
    }

    def perform_create(self, serializer):
        data = dict(serializer.validated_data)
        group = {name: data.pop(name) for name in ("sites", "model", "version") if name in data}
        found = campaigns.stations_for(image=data["image"], access=self.request.access, **group)
        with told():
            made = campaigns.create(stations=found, by=self.request.user, **data)
        serializer.instance = self.get_queryset().get(pk=made.pk)

    @extend_schema(responses=CampaignStationSerializer(many=True))
    @action(detail=True)
    def stations(self, request, pk=None):
        rows = self.get_object().rows.select_related("station").order_by("-pk")
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(CampaignStationSerializer(page, many=True).data)

    def _do(self, verb):
        with told():
            verb(campaign=self.get_object())
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def pause(self, request, pk=None):
        return self._do(campaigns.pause)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def resume(self, request, pk=None):
        return self._do(campaigns.resume)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk=None):
        return self._do(campaigns.cancel)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def retry(self, request, pk=None):
        return self._do(campaigns.retry_failed)

"""`/api/v1/work-orders/`: jobs, from an alert or by hand, closed with their cause."""

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, parsers, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from evportal.accounts.models import ApiKey
from evportal.rest.fields import RowField
from evportal.rest.filters import TrueFalse
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource, person
from monitoring.models import Alert
from monitoring.uptime.models import Outage
from monitoring.work import actions
from monitoring.work.models import Photo, WorkOrder
from stations.exceptions import Refused as Refusal
from stations.files import streams
from stations.models import Site, Station


def alerts(access, permission):
    return Alert.objects.visible_to(access, permission).select_related("site", "station")


def sites(access, permission):
    return Site.objects.visible_to(access, permission)


def stations(access, permission):
    return Station.objects.visible_to(access, permission).select_related("site")


class WorkOrderSerializer(serializers.ModelSerializer):
    site = serializers.CharField(source="site.slug", read_only=True)
    station = serializers.CharField(source="station.identity", read_only=True, default=None)
    evse = serializers.CharField(source="evse.public_id", read_only=True, default=None)
    assignee = serializers.CharField(source="assignee.email", read_only=True, default=None)
    checklist = serializers.SerializerMethodField()
    notes = serializers.SerializerMethodField()
    parts = serializers.SerializerMethodField()
    photos = serializers.SerializerMethodField()

    class Meta:
        model = WorkOrder
        fields = [
            "id",
            "site",
            "station",
            "evse",
            "alert",
            "title",
            "status",
            "priority",
            "assignee",
            "due_on",
            "created_at",
            "started_at",
            "closed_at",
            "cause",
            "exclusion",
            "checklist",
            "notes",
            "parts",
            "photos",
        ]

    def get_checklist(self, row) -> list[dict]:
        return [{"text": each.text, "done_at": each.done_at} for each in row.checklist.all()]

    def get_notes(self, row) -> list[dict]:
        return [{"at": each.at, "text": each.text} for each in row.notes.all()]

    def get_parts(self, row) -> list[dict]:
        return [
            {"name": each.name, "number": each.number, "quantity": each.quantity} for each in row.parts.all()
        ]

    def get_photos(self, row) -> list[dict]:
        return [{"id": each.pk, "at": each.at, "size": each.size} for each in row.photos.all()]


class NewWorkOrderSerializer(serializers.Serializer):
    """An alert, a station or a site says where; the title is needed unless an alert gives it."""

    alert = RowField(name="pk", shown="pk", rows=alerts, required=False)
    station = RowField(name="identity", shown="identity", rows=stations, required=False)
    site = RowField(name="slug", shown="slug", rows=sites, required=False)
    title = serializers.CharField(max_length=200, required=False)
    priority = serializers.ChoiceField(choices=WorkOrder.Priority.choices, required=False)

    def validate(self, data):
        if "alert" in data:
            return data
        if "title" not in data:
            raise serializers.ValidationError({"title": "Say what is to be done."})
        if "station" not in data and "site" not in data:
            raise serializers.ValidationError({"site": "Say where: an alert, a station or a site."})
        data.setdefault("site", data["station"].site if "station" in data else None)
        return data


class ChangeSerializer(serializers.Serializer):
    title = serializers.CharField(max_length=200, required=False)
    priority = serializers.ChoiceField(choices=WorkOrder.Priority.choices, required=False)
    status = serializers.ChoiceField(choices=["open", "in_progress"], required=False)
    due_on = serializers.DateField(required=False, allow_null=True)
    assignee = serializers.EmailField(required=False, allow_null=True)


class ClosingSerializer(serializers.Serializer):
    cause = serializers.CharField(max_length=250)
    exclusion = serializers.ChoiceField(choices=Outage.Exclusion.choices, required=False, allow_blank=True)


class NoteSerializer(serializers.Serializer):
    text = serializers.CharField(max_length=1000)


class PhotoSerializer(serializers.Serializer):
    file = serializers.FileField(allow_empty_file=True)


class WorkOrderFilter(filters.FilterSet):
    site = filters.CharFilter(field_name="site__slug")
    station = filters.CharFilter(field_name="station__identity")
    open = TrueFalse(field_name="closed_at", lookup_expr="isnull")

    class Meta:
        model = WorkOrder
        fields = ["status", "priority"]


class WorkOrders(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = WorkOrder.objects.select_related("site", "station", "evse", "assignee").prefetch_related(
        "checklist", "notes", "parts", "photos"
    )
    serializer_class = WorkOrderSerializer
    filterset_class = WorkOrderFilter
    page_ordering = ("-created_at", "-pk")
    needs = {
        "list": "view_alerts",
        "retrieve": "view_alerts",
        "create": "manage_alerts",
        "partial_update": "manage_stations",
        "close": "manage_stations",
        "notes": "manage_stations",
        "photos": "manage_stations",
        "photo": "view_alerts",
    }
    http_method_names = ["get", "post", "patch", "head", "options"]

    @extend_schema(request=NewWorkOrderSerializer, responses={201: WorkOrderSerializer})
    def create(self, request):
        serializer = NewWorkOrderSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
        if "alert" in data:
            row = self._act(actions.from_alert, alert=data["alert"], by=person(request))
        else:
            row = self._act(actions.create, by=person(request), **data)
        return Response(self._shown(row), status=201)

    @extend_schema(request=ChangeSerializer, responses=WorkOrderSerializer)
    def partial_update(self, request, pk=None):
        row = self.get_object()
        serializer = ChangeSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        data = dict(serializer.validated_data)
        if data.get("assignee"):
            found = actions.people(row.site).filter(email__iexact=data["assignee"]).first()
            if found is None:
                raise serializers.ValidationError({"assignee": "Nobody of that address works there."})
            data["assignee"] = found
        return Response(self._shown(self._act(actions.change, order=row, **data)))

    @extend_schema(request=ClosingSerializer, responses=WorkOrderSerializer)
    @action(detail=True, methods=["post"])
    def close(self, request, pk=None):
        """Done, with its cause, which goes to the outages that it was for."""
        row = self.get_object()
        serializer = ClosingSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        key = request.auth if isinstance(request.auth, ApiKey) else None
        done = self._act(
            actions.close, order=row, by=person(request), api_key=key, **serializer.validated_data
        )
        return Response(self._shown(done))

    @extend_schema(request=NoteSerializer, responses=WorkOrderSerializer)
    @action(detail=True, methods=["post"])
    def notes(self, request, pk=None):
        row = self.get_object()
        serializer = NoteSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        self._act(actions.note, order=row, by=person(request), **serializer.validated_data)
        return Response(self._shown(row))

    def initial(self, request, *args, **kwargs):
        if self.action == "photos":
            # A photo is larger than all other bodies; how large one may be, the action says.
            viewsets.GenericViewSet.initial(self, request, *args, **kwargs)
        else:
            super().initial(request, *args, **kwargs)

    @extend_schema(request={"multipart/form-data": PhotoSerializer}, responses={201: WorkOrderSerializer})
    @action(detail=True, methods=["post"], parser_classes=[parsers.MultiPartParser])
    def photos(self, request, pk=None):
        """One photo (JPEG, PNG, WebP or HEIC, 7 MB at most), as a form's `file`."""
        row = self.get_object()
        serializer = PhotoSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        self._act(actions.add_photo, order=row, by=person(request), **serializer.validated_data)
        return Response(self._shown(row), status=201)

    @extend_schema(
        operation_id="work_orders_photo_file",
        parameters=[OpenApiParameter("photo", int, OpenApiParameter.PATH)],
        responses={(200, "application/octet-stream"): bytes},
    )
    @action(detail=True, methods=["get"], url_path=r"photos/(?P<photo>[0-9]{1,18})")
    def photo(self, request, pk=None, photo=None):
        """The file as it was handed in; nobody has looked into it."""
        found = get_object_or_404(Photo, order=self.get_object(), pk=photo)
        return streams.send(request, found.file, name=f"job-{found}", size=found.size)

    def _shown(self, row: WorkOrder):
        found = self.queryset.all().get(pk=row.pk)
        return self.get_serializer(found).data

    def _act(self, act, **fields):
        try:
            return act(now=timezone.now(), **fields)
        except Refusal as refusal:
            raise Refused(str(refusal)) from refusal


RESOURCES = {"work-orders": WorkOrders}

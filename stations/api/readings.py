"""`/api/v1/readings/`: what meters measured."""

from django.db.models import Q
from django_filters import rest_framework as filters
from rest_framework import mixins, serializers

from evportal.rest.pages import CursorPagination
from evportal.rest.resources import Resource
from stations.models import Evse, Reading, Session


class ReadingSerializer(serializers.ModelSerializer):
    evse = serializers.CharField(source="evse.public_id", read_only=True)
    session = serializers.UUIDField(source="session_id", read_only=True, allow_null=True)
    value = serializers.FloatField(read_only=True)

    class Meta:
        model = Reading
        fields = [
            "at",
            "received_at",
            "evse",
            "session",
            "measurand",
            "phase",
            "location",
            "context",
            "value",
            "unit",
            "flag",
        ]


class ReadingFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="evse__station__identity")
    evse = filters.CharFilter(field_name="evse__public_id", lookup_expr="iexact")
    session = filters.UUIDFilter(field_name="session_id")
    after = filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte")
    before = filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = Reading
        fields = ["measurand", "phase", "location", "context"]


class CountedPages(CursorPagination):
    """Also says how many there are, where the question is about one station, EVSE or session.

    All readings of an operator are too many to be counted for every page.
    """

    def paginate_queryset(self, queryset, request, view=None):
        asked = request.query_params
        few = any(asked.get(name) for name in ("station", "session", "evse"))
        self.count = queryset.count() if few else None
        return super().paginate_queryset(queryset, request, view)

    def get_paginated_response(self, data):
        response = super().get_paginated_response(data)
        response.data["count"] = self.count
        return response

    def get_paginated_response_schema(self, schema):
        described = super().get_paginated_response_schema(schema)
        described["properties"]["count"] = {"type": ["integer", "null"]}
        return described


class Readings(mixins.ListModelMixin, Resource):
    queryset = Reading.objects.select_related("evse")
    serializer_class = ReadingSerializer
    filterset_class = ReadingFilter
    pagination_class = CountedPages
    page_ordering = ("-at", "evse_id", "measurand", "phase", "location", "context")
    needs = {"list": "view_ops"}
    own = frozenset({"list"})

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        access = self.request.access
        visible = Q(evse__in=Evse.objects.visible_to(access, self.permission))
        if access.user_id is not None:
            visible |= Q(session__in=Session.objects.filter(user_id=access.user_id))
        return self.queryset.filter(visible)

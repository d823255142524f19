"""`/api/v1/reservations/`: for whom EVSEs are kept, and whether the charger knows."""

from django.db.models import Q
from django_filters import rest_framework as filters
from rest_framework import mixins, serializers

from evportal.rest.resources import Resource
from stations.models import Reservation


class ReservationSerializer(serializers.ModelSerializer):
    reservation_id = serializers.IntegerField(read_only=True, help_text="As it goes over the wire.")
    station = serializers.SerializerMethodField()
    evse = serializers.CharField(source="evse.public_id", read_only=True)
    evse_number = serializers.IntegerField(source="evse.number", read_only=True)
    id_token = serializers.SerializerMethodField()
    command = serializers.UUIDField(source="command_id", read_only=True, allow_null=True)

    class Meta:
        model = Reservation
        fields = [
            "reservation_id",
            "status",
            "trouble",
            "said",
            "station",
            "evse",
            "evse_number",
            "id_token",
            "starts_at",
            "ends_at",
            "command",
            "created_at",
        ]

    def get_station(self, reservation) -> str | None:
        station = reservation.evse.station
        access = self.context["request"].access
        return station.identity if access.may_at("view_ops", station.site) else None

    def get_id_token(self, reservation) -> str:
        access = self.context["request"].access
        is_mine = reservation.user_id is not None and reservation.user_id == access.user_id
        token = reservation.id_token.token
        if is_mine or access.may_at("view_drivers", reservation.evse.station.site):
            return token
        return f"…{token[-4:]}"


class ReservationFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="evse__station__identity")
    evse = filters.CharFilter(field_name="evse__public_id", lookup_expr="iexact")

    class Meta:
        model = Reservation
        fields = ["status"]


class Reservations(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Reservation.objects.select_related("evse__station__site", "id_token")
    serializer_class = ReservationSerializer
    filterset_class = ReservationFilter
    page_ordering = ("-starts_at", "-pk")
    needs = {"list": "view_ops", "retrieve": "view_ops"}
    own = frozenset({"list", "retrieve"})

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        access = self.request.access
        visible = access.sites(self.permission, "evse__station__site")
        if access.user_id is not None and not access.everything:
            visible |= Q(user_id=access.user_id)
        return self.queryset.filter(visible)

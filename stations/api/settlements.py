"""`/api/v1/settlements/`: what chargers' payment terminals took (OCPP 2.1)."""

from django_filters import rest_framework as filters
from rest_framework import mixins, serializers

from evportal.rest.resources import Resource
from stations.models import Settlement


class SettlementSerializer(serializers.ModelSerializer):
    station = serializers.CharField(source="station.identity", read_only=True)

    class Meta:
        model = Settlement
        fields = [
            "id",
            "station",
            "session",
            "transaction_id",
            "psp_ref",
            "status",
            "info",
            "amount",
            "settled_at",
            "received_at",
            "receipt_id",
            "receipt_url",
            "vat_number",
            "company",
        ]


class SettlementFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")

    class Meta:
        model = Settlement
        fields = ["station", "session", "status", "psp_ref"]


class Settlements(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Settlement.objects.select_related("station")
    serializer_class = SettlementSerializer
    filterset_class = SettlementFilter
    page_ordering = ("-received_at", "-pk")
    needs = {"list": "view_money", "retrieve": "view_money"}

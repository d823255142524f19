"""`/api/v1/payouts/`: money on its way to the bank, and the movements that are in each."""

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action

from billing.models import BalanceTransaction, Payout
from evportal.rest.resources import Resource


class PayoutSerializer(serializers.ModelSerializer):
    amount = serializers.DecimalField(
        14, 3, read_only=True, help_text="Of the whole account: several operators may share one."
    )

    class Meta:
        model = Payout
        fields = [
            "id", "stripe_id", "currency", "amount", "status", "is_automatic", "opened_at", "arrives_at",
            "failure",
        ]  # fmt: skip


class MovementSerializer(serializers.ModelSerializer):
    payment = serializers.UUIDField(source="payment_id", read_only=True, allow_null=True)
    refund = serializers.UUIDField(source="refund_id", read_only=True, allow_null=True)
    dispute = serializers.UUIDField(source="dispute_id", read_only=True, allow_null=True)
    top_up = serializers.UUIDField(source="top_up_id", read_only=True, allow_null=True)

    class Meta:
        model = BalanceTransaction
        fields = [
            "id", "stripe_id", "category", "currency", "amount", "fee", "net", "at", "available_on", "source",
            "payment", "refund", "dispute", "top_up",
        ]  # fmt: skip


class PayoutFilter(filters.FilterSet):
    arrives_after = filters.IsoDateTimeFilter(field_name="arrives_at", lookup_expr="gte")
    arrives_before = filters.IsoDateTimeFilter(field_name="arrives_at", lookup_expr="lt")

    class Meta:
        model = Payout
        fields = ["status", "currency"]


class Payouts(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Payout.objects.all()
    serializer_class = PayoutSerializer
    filterset_class = PayoutFilter
    needs = {"list": "view_money", "retrieve": "view_money", "movements": "view_money"}

    @property
    def page_ordering(self):
        return ("-at", "-pk") if self.action == "movements" else ("-opened_at", "-pk")

    @extend_schema(responses=MovementSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"])
    def movements(self, request, pk=None):
        """What of it is the caller's: charges, refunds, disputes, fees."""
        payout = self.get_object()
        mine = BalanceTransaction.objects.visible_to(request.access, self.permission)
        page = self.paginate_queryset(mine.filter(payout=payout).exclude(source=payout.stripe_id))
        return self.get_paginated_response(MovementSerializer(page, many=True).data)

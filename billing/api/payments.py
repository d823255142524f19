"""`/api/v1/payments/`: holds on cards, what became of them, and money back."""

from decimal import Decimal

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response

from billing import actions
from billing.api.answers import refusals
from billing.models import Payment, Refund, RefundLine
from evportal.rest.resources import Resource, person


class PaymentSerializer(serializers.ModelSerializer):
    session = serializers.UUIDField(source="session_id", read_only=True, allow_null=True)
    booking = serializers.UUIDField(source="booking_id", read_only=True, allow_null=True)
    quote = serializers.UUIDField(source="quote_id", read_only=True, allow_null=True)
    card = serializers.CharField(source="card.last4", read_only=True, default=None, help_text="Last digits.")

    class Meta:
        model = Payment
        fields = [
            "id",
            "purpose",
            "method",
            "settlement",
            "state",
            "session",
            "booking",
            "quote",
            "card",
            "currency",
            "amount",
            "amount_captured",
            "amount_refunded",
            "capture_before",
            "error_code",
            "error_message",
            "created_at",
            "updated_at",
        ]


class RefundLineSerializer(serializers.ModelSerializer):
    line = serializers.IntegerField(
        source="line.position", min_value=1, help_text="Its position on the invoice that bills the payment."
    )
    amount = serializers.DecimalField(
        12,
        3,
        source="gross",
        min_value=Decimal("0.001"),
        required=False,
        help_text="With tax; all that is left of the line unless given.",
    )

    class Meta:
        model = RefundLine
        fields = ["line", "amount"]


class RefundSerializer(serializers.ModelSerializer):
    amount = serializers.DecimalField(
        12,
        3,
        min_value=Decimal("0.001"),
        required=False,
        help_text="Over all lines of the invoice. May be left out where lines are given.",
    )
    lines = RefundLineSerializer(many=True, required=False)
    reason = serializers.CharField(max_length=200)
    currency = serializers.CharField(source="payment.currency", read_only=True)

    class Meta:
        model = Refund
        fields = ["id", "amount", "lines", "currency", "reason", "state", "error_message", "created_at"]
        read_only_fields = ["state", "error_message"]

    def validate_lines(self, lines):
        positions = [each["line"]["position"] for each in lines]
        if len(positions) != len(set(positions)):
            raise serializers.ValidationError("A line is named twice.")
        return {each["line"]["position"]: each.get("gross") for each in lines}

    def validate(self, given):
        if not given.get("amount") and not given.get("lines"):
            raise serializers.ValidationError({"amount": "Say an amount, or which lines."})
        return given


class PaymentFilter(filters.FilterSet):
    session = filters.UUIDFilter(field_name="session_id")
    booking = filters.UUIDFilter(field_name="booking_id")
    created_after = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Payment
        fields = ["state", "purpose", "currency"]


class Payments(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Payment.objects.select_related("card")
    serializer_class = PaymentSerializer
    filterset_class = PaymentFilter
    page_ordering = ("-created_at", "-pk")
    lookup_value_regex = "[^/]+"
    needs = {"list": "view_money", "retrieve": "view_money", "refund": "refund"}
    own = frozenset({"list", "retrieve"})

    def get_queryset(self):
        rows = super().get_queryset()
        if self.action == "refund":
            # Who may refund somewhere must not give money back to themselves elsewhere.
            rows = rows.filter(self.request.access.operators(self.permission))
        return rows

    @extend_schema(request=RefundSerializer, responses={201: RefundSerializer})
    @action(detail=True, methods=["post"])
    def refund(self, request, pk=None):
        payment = self.get_object()
        form = RefundSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        with refusals():
            row = actions.refund(payment=payment, by=person(request), **form.validated_data)
        return Response(RefundSerializer(row).data, status=status.HTTP_201_CREATED)

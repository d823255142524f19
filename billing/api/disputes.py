"""`/api/v1/disputes/`: payments that a cardholder's bank took back, and our evidence."""

from django.http import HttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from billing import evidence
from billing.actions.disputes import send_evidence
from billing.api.answers import refusals
from billing.models import Dispute
from evportal.rest.filters import TrueFalse
from evportal.rest.resources import Resource, person


class DisputeSerializer(serializers.ModelSerializer):
    operator = serializers.CharField(source="operator.slug", read_only=True)
    payment = serializers.UUIDField(source="payment_id", read_only=True, allow_null=True)
    top_up = serializers.UUIDField(source="top_up_id", read_only=True, allow_null=True)
    may_answer = serializers.BooleanField(read_only=True, help_text="The bank waits for our evidence.")

    class Meta:
        model = Dispute
        fields = [
            "id", "operator", "payment", "top_up", "stripe_id", "stripe_charge", "currency", "amount",
            "reason", "status", "opened_at", "due_at", "closed_at", "may_answer", "evidence_state",
            "evidence_at",
        ]  # fmt: skip


class DisputeCaseSerializer(DisputeSerializer):
    evidence = serializers.SerializerMethodField(help_text="What was sent, or would be as our records stand.")

    class Meta(DisputeSerializer.Meta):
        fields = [*DisputeSerializer.Meta.fields, "evidence"]

    def get_evidence(self, row) -> dict[str, str]:
        return row.evidence or evidence.words(row)


class EvidenceSerializer(serializers.Serializer):
    explanation = serializers.CharField(
        max_length=5000,
        required=False,
        default="",
        allow_blank=True,
        help_text="Beside what our records say.",
    )


class DisputeFilter(filters.FilterSet):
    open = TrueFalse(method="only_open")
    opened_after = filters.IsoDateTimeFilter(field_name="opened_at", lookup_expr="gte")
    opened_before = filters.IsoDateTimeFilter(field_name="opened_at", lookup_expr="lt")

    class Meta:
        model = Dispute
        fields = ["status", "evidence_state"]

    def only_open(self, rows, name, value):
        return rows.open() if value else rows.exclude(status__in=Dispute.OPEN)


class Disputes(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Dispute.objects.select_related("operator", "payment__user", "top_up__user")
    serializer_class = DisputeSerializer
    filterset_class = DisputeFilter
    page_ordering = ("-opened_at", "-pk")
    lookup_value_regex = "[^/]+"
    needs = {
        "list": "view_money",
        "retrieve": "view_money",
        "evidence": "refund",
        "bundle": "refund",
    }

    def get_serializer_class(self):
        return DisputeSerializer if self.action == "list" else DisputeCaseSerializer

    @extend_schema(request=EvidenceSerializer, responses=DisputeCaseSerializer)
    @action(detail=True, methods=["post"])
    def evidence(self, request, pk=None):
        """Hand it in, once: the bank reads one answer."""
        row = self.get_object()
        form = EvidenceSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        with refusals():
            row = send_evidence(dispute=row, by=person(request), **form.validated_data)
        return Response(DisputeCaseSerializer(row).data)

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def bundle(self, request, pk=None):
        """The evidence as a zip: it has a driver's name and the charger's messages."""
        row = self.get_object()
        response = HttpResponse(evidence.bundle(row), content_type="application/zip")
        response["Content-Disposition"] = f'attachment; filename="dispute-{row.stripe_id}.zip"'
        response["Cache-Control"] = "private, no-store"
        return response

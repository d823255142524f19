"""`/api/v1/reconciliations/` and `differences/`: our ledger against the provider's books, and the mends."""

from datetime import UTC

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from billing.actions import reconciliation
from billing.api.answers import refusals
from billing.models import Difference, Reconciliation
from evportal.rest.filters import TrueFalse
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource, person


class ReconciliationSerializer(serializers.ModelSerializer):
    operator = serializers.CharField(source="operator.slug", read_only=True, default=None)

    class Meta:
        model = Reconciliation
        fields = [
            "id", "operator", "day", "currency", "ran_at", "compared", "theirs", "ours", "differing",
            "accepted", "differences",
        ]  # fmt: skip


class DifferenceSerializer(serializers.ModelSerializer):
    operator = serializers.CharField(source="operator.slug", read_only=True, default=None)
    accepted_by = serializers.CharField(source="accepted_by.email", read_only=True, default=None)

    class Meta:
        model = Difference
        fields = [
            "id", "operator", "day", "kind", "what", "object_id", "currency", "amount", "ours", "theirs",
            "mend", "advice", "found_at", "seen_at", "resolved_at", "accepted_by", "reason",
        ]  # fmt: skip


class DaySerializer(serializers.Serializer):
    day = serializers.DateField(help_text="UTC's.")

    def validate_day(self, day):
        if day > timezone.now().astimezone(UTC).date():
            raise serializers.ValidationError("This day has not begun yet.")
        return day


class ExplanationSerializer(serializers.Serializer):
    reason = serializers.CharField(max_length=200, help_text="Why the two sides may differ.")


class ReconciliationFilter(filters.FilterSet):
    since = filters.DateFilter(field_name="day", lookup_expr="gte")
    until = filters.DateFilter(field_name="day", lookup_expr="lte")

    class Meta:
        model = Reconciliation
        fields = ["day", "currency"]


class DifferenceFilter(filters.FilterSet):
    open = TrueFalse(method="only_open", help_text="Neither mended nor accepted.")
    since = filters.DateFilter(field_name="day", lookup_expr="gte")
    until = filters.DateFilter(field_name="day", lookup_expr="lte")

    class Meta:
        model = Difference
        fields = ["day", "kind", "currency"]

    def only_open(self, rows, name, value):
        still_open = {"resolved_at": None, "reason": ""}
        return rows.filter(**still_open) if value else rows.exclude(**still_open)


class Reconciliations(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Reconciliation.objects.select_related("operator")
    serializer_class = ReconciliationSerializer
    filterset_class = ReconciliationFilter
    page_ordering = ("-day", "-pk")
    needs = {"list": "keep_books", "retrieve": "keep_books", "run": "keep_books"}

    @extend_schema(request=DaySerializer, responses=DifferenceSerializer(many=True), filters=False)
    @action(detail=False, methods=["post"], pagination_class=None)
    def run(self, request):
        """Compare a day now; the caller's differences of it that are open."""
        form = DaySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        day = form.validated_data["day"]
        with refusals():
            reconciliation.reconcile_day(day=day)
        mine = Difference.objects.visible_to(request.access, self.permission)
        rows = mine.open().filter(day=day, reason="").select_related("operator", "accepted_by")
        return Response(DifferenceSerializer(rows, many=True).data)


class Differences(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Difference.objects.select_related("operator", "accepted_by")
    serializer_class = DifferenceSerializer
    filterset_class = DifferenceFilter
    page_ordering = ("-day", "-pk")
    lookup_value_regex = "[^/]+"
    needs = {
        "list": "keep_books",
        "retrieve": "keep_books",
        "mend": "keep_books",
        "accept": "keep_books",
    }

    @extend_schema(request=None, responses=DifferenceSerializer)
    @action(detail=True, methods=["post"])
    def mend(self, request, pk=None):
        """Do what it proposes, and compare its day anew: `resolved_at` says whether both sides agree now."""
        row = self.get_object()
        with refusals():
            reconciliation.mend(difference=row)
        row.refresh_from_db()
        return Response(DifferenceSerializer(row).data)

    @extend_schema(request=ExplanationSerializer, responses=DifferenceSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request, pk=None):
        """A person explains it instead."""
        row = self.get_object()
        form = ExplanationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        by = person(request)
        if by is None:
            raise Refused("An explanation is a person's: a key has none.", code="person_needed")
        with refusals():
            row = reconciliation.accept(difference=row, reason=form.validated_data["reason"], by=by)
        return Response(DifferenceSerializer(row).data)

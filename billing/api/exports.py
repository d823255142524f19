"""`/api/v1/exports/`: order an accountant's file, look how far it is, fetch it."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response

from billing import calendar
from billing.exports import filters, making
from billing.models import Export, Invoice
from billing.views.exports import file_response
from evportal.rest.resources import Resource, operator_for, person
from stations.exceptions import Refused
from stations.models import Site


class ExportSerializer(serializers.ModelSerializer):
    class Meta:
        model = Export
        fields = [
            "id", "kind", "format", "params", "state", "done", "of", "rows", "totals", "sha256", "size",
            "name", "problems", "created_at", "finished_at", "expires_at",
        ]  # fmt: skip


class NewExportSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(choices=list(making.KINDS))
    format = serializers.ChoiceField(choices=["csv", "xlsx", "zip"], required=False)
    operator = serializers.CharField(required=False, help_text="Needed only where the caller has several.")
    since = serializers.DateField(required=False, help_text="First day of booking.")
    until = serializers.DateField(required=False, help_text="Last day of booking.")
    site = serializers.CharField(required=False, help_text="A site's slug.")
    document = serializers.ChoiceField(choices=Invoice.Kind.choices, required=False)
    status = serializers.ChoiceField(choices=["paid", "unpaid", "refunded", "unmatched"], required=False)
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False)

    def validate(self, given):
        if given.get("since") and given.get("until"):
            try:
                calendar.check_period(given["since"], given["until"])
            except ValueError as error:
                raise serializers.ValidationError({"until": str(error)}) from None
        formats = making.KINDS[given["kind"]]
        if given.setdefault("format", formats[0]) not in formats:
            raise serializers.ValidationError({"format": f"One of {', '.join(formats)}."})
        return given


class Exports(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Export.objects.all()
    serializer_class = ExportSerializer
    page_ordering = ("-created_at", "-pk")
    needs = {
        "list": "view_money",
        "retrieve": "view_money",
        "create": "view_money",
        "file": "view_money",
    }

    @extend_schema(request=NewExportSerializer, responses={202: ExportSerializer})
    def create(self, request):
        form = NewExportSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        operator = operator_for(request, "view_money", given.get("operator", ""))
        params = {name: given[name] for name in ("status", "currency") if name in given}
        params |= {name: given[name].isoformat() for name in ("since", "until") if name in given}
        if "document" in given:
            params["kind"] = given["document"]
        if "site" in given:
            site = Site.objects.filter(operator=operator, slug=given["site"]).first()
            if site is None:
                raise serializers.ValidationError({"site": "There is no such site."})
            params["site"] = site.pk
        sites = filters.allowed_sites(request.access, operator)
        if sites is not None:
            params["sites"] = sites
        try:
            row = making.create(
                operator=operator,
                kind=given["kind"],
                format=given["format"],
                params=params,
                by=person(request),
            )
        except Refused as refusal:
            raise serializers.ValidationError(str(refusal)) from None
        return Response(ExportSerializer(row).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def file(self, request, pk=None):
        return file_response(self.get_object())

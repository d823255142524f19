"""`/api/v1/invoices/` and `/api/v1/exports/invoices.csv`: issued documents, for people and for books."""

from django.http import HttpResponse, StreamingHttpResponse
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action

from billing import documents
from billing.exports import csv_invoices
from billing.models import Invoice, InvoiceLine
from evportal.rest.resources import Resource


class LineSerializer(serializers.ModelSerializer):
    class Meta:
        model = InvoiceLine
        fields = ["position", "kind", "text", "quantity", "unit", "unit_price", "vat_percent"]
        fields += ["vat_category", "net", "tax", "gross"]


class InvoiceSerializer(serializers.ModelSerializer):
    site = serializers.CharField(source="site.slug", read_only=True, default=None)
    corrects = serializers.CharField(source="corrects.number", read_only=True, default=None)
    session = serializers.UUIDField(source="cdr.session_id", read_only=True, default=None)
    booking = serializers.UUIDField(source="booking_id", read_only=True, allow_null=True)
    seller = serializers.DictField(read_only=True)
    buyer = serializers.DictField(read_only=True)
    lines = LineSerializer(many=True, read_only=True)

    class Meta:
        model = Invoice
        fields = [
            "id",
            "number",
            "kind",
            "corrects",
            "site",
            "session",
            "booking",
            "issued_at",
            "booked_on",
            "supplied_on",
            "period_start",
            "period_end",
            "due_on",
            "vat_country",
            "language",
            "currency",
            "net",
            "tax",
            "gross",
            "seller",
            "buyer",
            "lines",
        ]


class InvoiceFilter(filters.FilterSet):
    site = filters.CharFilter(field_name="site__slug")
    since = filters.DateFilter(field_name="issued_at", lookup_expr="date__gte", label="First day, UTC.")
    until = filters.DateFilter(field_name="issued_at", lookup_expr="date__lte", label="Last day, UTC.")

    class Meta:
        model = Invoice
        fields = ["number", "kind", "currency"]


class Invoices(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Invoice.objects.select_related("site", "corrects", "cdr", "user").prefetch_related("lines")
    serializer_class = InvoiceSerializer
    filterset_class = InvoiceFilter
    page_ordering = ("-issued_at", "-pk")
    needs = dict.fromkeys(("list", "retrieve", "pdf", "ubl", "cii"), "view_money")
    own = frozenset(needs)

    @extend_schema(responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    @action(detail=True, methods=["get"])
    def pdf(self, request, pk=None):
        invoice = self.get_object()
        response = HttpResponse(documents.pdf(invoice), content_type="application/pdf")
        response["Content-Disposition"] = f'attachment; filename="{documents.file_name(invoice)}"'
        response["Cache-Control"] = "private, no-store"
        return response

    @extend_schema(responses={(200, "application/xml"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"])
    def ubl(self, request, pk=None):
        """The e-invoice (EN 16931) as UBL 2.1."""
        return self._xml(documents.ubl_xml, "ubl.xml")

    @extend_schema(responses={(200, "application/xml"): OpenApiTypes.STR})
    @action(detail=True, methods=["get"])
    def cii(self, request, pk=None):
        """The e-invoice (EN 16931) as UN/CEFACT CII, the one inside the PDF."""
        return self._xml(documents.cii_xml, "cii.xml")

    def _xml(self, write, ending: str) -> HttpResponse:
        invoice = self.get_object()
        response = HttpResponse(write(invoice), content_type="application/xml")
        name = documents.file_name(invoice, ending)
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["Cache-Control"] = "private, no-store"
        return response


class InvoiceExport(Resource):
    """The accountant's file: a row per document and VAT rate, then control totals."""

    queryset = Invoice.objects.order_by("issued_at", "pk").prefetch_related("lines")
    filterset_class = InvoiceFilter
    needs = {"download": "view_money"}

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        return self.queryset.run_by(self.request.access, self.permission)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR}, filters=True)
    def download(self, request):
        rows = self.filter_queryset(self.get_queryset()).iterator(chunk_size=500)
        response = StreamingHttpResponse(csv_invoices.rows(rows), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="invoices.csv"'
        return response

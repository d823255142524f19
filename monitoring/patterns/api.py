"""`/api/v1/reports/`: the tables of the reports page."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from evportal.rest.resources import Resource
from monitoring import zones
from monitoring.patterns import periods, report
from stations.models import Site


class ReportQuery(serializers.Serializer):
    site = serializers.CharField(required=False, help_text="A site's slug. Without it: all sites.")
    until = serializers.DateField(required=False, help_text="The last day. Without it: yesterday.")

    def get_fields(self):
        return super().get_fields() | {"from": serializers.DateField(required=False)}


class TableSerializer(serializers.Serializer):
    name = serializers.CharField()
    title = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField())
    rows = serializers.ListField(child=serializers.ListField(child=serializers.JSONField()))


class ReportSerializer(serializers.Serializer):
    first_day = serializers.DateField()
    last_day = serializers.DateField()
    tables = TableSerializer(many=True)


class Reports(Resource):
    queryset = Site.objects.all()
    serializer_class = ReportSerializer
    pagination_class = None
    needs = {"list": "view_ops"}

    @extend_schema(
        parameters=[
            ReportQuery,
            OpenApiParameter("from", str, description="The first day. Without it: four weeks."),
        ],
        responses=ReportSerializer(),
    )
    def list(self, request):
        query = ReportQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        sites = self.get_queryset()
        today = timezone.localtime(timezone.now(), zones.zone_of(sites)).date()
        try:
            period = periods.chosen(asked.get("from"), asked.get("until"), today)
        except periods.PeriodRefused as refusal:
            raise serializers.ValidationError({"from": str(refusal)}) from refusal
        if asked.get("site"):
            sites = sites.filter(slug=asked["site"])
            if not sites.exists():
                raise exceptions.NotFound
        made = report.make(request.access, list(sites), period)
        return Response(
            ReportSerializer(
                {"first_day": period.since, "last_day": period.last, "tables": report.tables(made)}
            ).data
        )


RESOURCES = {"reports": Reports}

"""`/api/v1/tariffs/`: prices as OCPI 2.3.0 tariff objects, in versions that never change."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response

from billing import pricing
from billing.actions import tariffs as actions
from billing.models import Tariff, TariffVersion
from evportal.rest.fields import JSONField, RowField
from evportal.rest.filters import TrueFalse
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource, operator_for, person
from stations.models import Evse, Site

#: A clock that is a little slow must not make "from now on" a time in the past.
SLACK = timedelta(minutes=1)


class VersionSerializer(serializers.ModelSerializer):
    ocpi = JSONField(help_text="An OCPI 2.3.0 tariff object.")
    valid_from = serializers.DateTimeField(required=False, help_text="Now, where none is given.")

    class Meta:
        model = TariffVersion
        fields = ["number", "valid_from", "ocpi", "created_at"]
        read_only_fields = ["number"]

    def validate_ocpi(self, document):
        try:
            pricing.Tariff.from_ocpi(document)
        except pricing.TariffError as error:
            raise serializers.ValidationError(str(error)) from None
        return document

    def validate_valid_from(self, at):
        if at < timezone.now() - SLACK:
            raise serializers.ValidationError("Prices can't change for a time that is over.")
        return at


class TariffSerializer(serializers.ModelSerializer):
    operator = serializers.CharField(source="operator.slug", read_only=True)
    versions = VersionSerializer(many=True, read_only=True)

    class Meta:
        model = Tariff
        fields = ["id", "operator", "name", "is_active", "versions"]


class NewTariffSerializer(VersionSerializer):
    operator = serializers.SlugField(required=False, help_text="Needed only by those who work for several.")
    name = serializers.CharField(max_length=120)

    class Meta(VersionSerializer.Meta):
        fields = ["operator", "name", "valid_from", "ocpi"]


def sites(access, permission):
    return Site.objects.visible_to(access, permission)


def evses(access, permission):
    return Evse.objects.visible_to(access, permission).select_related("station__site")


class AssignmentSerializer(serializers.Serializer):
    """A site, or one EVSE."""

    site = RowField(name="slug", rows=sites, required=False)
    evse = RowField(name="public_id__iexact", shown="public_id", rows=evses, required=False)

    def validate(self, fields):
        if len(fields) != 1:
            raise serializers.ValidationError("Name either a site or an EVSE.")
        return fields


class TariffFilter(filters.FilterSet):
    is_active = TrueFalse()

    class Meta:
        model = Tariff
        fields = ["name"]


class Tariffs(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    Resource,
):
    queryset = Tariff.objects.select_related("operator").prefetch_related("versions")
    serializer_class = TariffSerializer
    filterset_class = TariffFilter
    http_method_names = ["get", "post", "patch"]
    needs = {
        "list": "view_ops",
        "retrieve": "view_ops",
        "create": "manage_tariffs",
        "partial_update": "manage_tariffs",
        "versions": "manage_tariffs",
        "assign": "manage_tariffs",
    }

    @extend_schema(request=NewTariffSerializer, responses={201: TariffSerializer})
    def create(self, request):
        form = NewTariffSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        wish = {"valid_from": timezone.now(), **form.validated_data}
        operator = operator_for(request, self.permission, wish.pop("operator", ""))
        try:
            with transaction.atomic():
                tariff = actions.create_tariff(operator=operator, by=person(request), **wish)
        except IntegrityError:
            raise Refused("There is a tariff of this name already.", code="exists") from None
        return Response(self.get_serializer(tariff).data, status=status.HTTP_201_CREATED)

    def perform_update(self, serializer):
        try:
            with transaction.atomic():
                serializer.save()
        except IntegrityError:
            raise Refused("There is a tariff of this name already.", code="exists") from None

    @extend_schema(request=VersionSerializer, responses={201: VersionSerializer})
    @action(detail=True, methods=["post"])
    def versions(self, request, pk=None):
        tariff = self.get_object()
        form = VersionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wish = {"valid_from": timezone.now(), **form.validated_data}
        version = actions.publish(tariff=tariff, by=person(request), **wish)
        return Response(VersionSerializer(version).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=AssignmentSerializer, responses=AssignmentSerializer)
    @action(detail=True, methods=["post"])
    def assign(self, request, pk=None):
        tariff = self.get_object()
        form = AssignmentSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        evse = form.validated_data.get("evse")
        site = form.validated_data.get("site") or evse.station.site
        try:
            actions.assign(tariff=tariff, site=site, evse=evse)
        except actions.WrongOperator as error:
            raise Refused(str(error)) from None
        return Response({"site": site.slug, "evse": evse.public_id if evse else None})

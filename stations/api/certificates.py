"""`/api/v1/certificates/` and `/api/v1/root-certificates/`: what chargers hold, and what operators trust."""

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from evportal.rest.problems import Refused as RefusedByRule
from evportal.rest.resources import Resource, operator_for, person
from stations.certificates import issuing, roots
from stations.exceptions import Refused
from stations.models import Certificate, RootCertificate


class CertificateSerializer(serializers.ModelSerializer):
    station = serializers.CharField(source="station.identity", read_only=True)
    certificate_chain = serializers.CharField(
        source="chain", read_only=True, help_text="PEM, the certificate first, without the root."
    )
    command = serializers.UUIDField(source="command_id", read_only=True, allow_null=True)

    class Meta:
        model = Certificate
        fields = [
            "id",
            "station",
            "use",
            "status",
            "problem",
            "common_name",
            "serial_number",
            "fingerprint",
            "issuer",
            "not_before",
            "not_after",
            "revoked_at",
            "revocation_reason",
            "certificate_chain",
            "command",
            "created_at",
            "issued_at",
        ]
        read_only_fields = fields


class RevocationSerializer(serializers.Serializer):
    reason = serializers.ChoiceField(choices=list(issuing.REASONS), default="unspecified")


class CertificateFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")
    expires_before = filters.IsoDateTimeFilter(field_name="not_after", lookup_expr="lt")

    class Meta:
        model = Certificate
        fields = ["station", "use", "status", "serial_number"]


class Certificates(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Certificate.objects.select_related("station")
    serializer_class = CertificateSerializer
    filterset_class = CertificateFilter
    page_ordering = ("-created_at", "-pk")
    needs = {"list": "view_ops", "retrieve": "view_ops", "revoke": "manage_stations"}

    @extend_schema(request=RevocationSerializer, responses=CertificateSerializer)
    @action(detail=True, methods=["post"])
    def revoke(self, request, pk=None):
        form = RevocationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            certificate = issuing.revoke(
                certificate=self.get_object(), by=person(request), **form.validated_data
            )
        except Refused as refusal:
            raise RefusedByRule(str(refusal), code="not_revocable") from None
        return Response(CertificateSerializer(certificate).data)


class RootCertificateSerializer(serializers.ModelSerializer):
    operator = serializers.SlugField(
        source="operator.slug", required=False, help_text="Needed only by those who work for several."
    )

    class Meta:
        model = RootCertificate
        fields = [
            "id",
            "operator",
            "kind",
            "name",
            "certificate",
            "subject",
            "fingerprint",
            "not_after",
            "admits_stations",
            "created_at",
        ]
        read_only_fields = ["subject", "fingerprint", "not_after"]
        # That it is there already is said by the action.
        validators: list = []


class RootCertificates(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.DestroyModelMixin,
    Resource,
):
    queryset = RootCertificate.objects.select_related("operator")
    serializer_class = RootCertificateSerializer
    filterset_fields = ["kind"]
    needs = {
        "list": "view_ops",
        "retrieve": "view_ops",
        "create": "manage_sites",
        "destroy": "manage_sites",
    }

    def perform_create(self, serializer):
        given = dict(serializer.validated_data)
        slug = given.pop("operator", {}).get("slug", "")
        operator = operator_for(self.request, self.permission, slug)
        try:
            serializer.instance = roots.add(operator=operator, **given)
        except Refused as refusal:
            raise serializers.ValidationError({"certificate": str(refusal)}) from None

    def perform_destroy(self, instance):
        roots.remove(root=instance)

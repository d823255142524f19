"""`/api/v1/tariffs/`: prices as OCPI 2.3.0 tariff objects, in versions that never change."""

from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response

from billing import previews, prices, pricing
from billing.actions import books, drafts
from billing.actions import tariffs as actions
from billing.models import Tariff, TariffDraft, TariffVersion
from evportal.rest.fields import JSONField, RowField
from evportal.rest.filters import TrueFalse
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource, operator_for, person
from stations.models import Evse, Site

SLACK = actions.SLACK


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
    ocpi = JSONField(
        required=False,
        help_text="An OCPI 2.3.0 tariff object. Without it there is a draft, and no prices.",
    )
    operator = serializers.SlugField(required=False, help_text="Needed only by those who work for several.")
    name = serializers.CharField(max_length=120)

    class Meta(VersionSerializer.Meta):
        fields = ["operator", "name", "valid_from", "ocpi"]


def sites(access, permission):
    return Site.objects.visible_to(access, permission)


def evses(access, permission):
    return Evse.objects.visible_to(access, permission).select_related("station__site")


class DraftSerializer(serializers.ModelSerializer):
    ocpi = JSONField(help_text="An OCPI 2.3.0 tariff object.")
    valid_from = serializers.DateTimeField(
        required=False, allow_null=True, help_text="None: from when it is published."
    )
    digest = serializers.CharField(read_only=True, help_text="Names exactly this draft.")
    seen = serializers.CharField(
        write_only=True, required=False, help_text="The digest of the draft that is replaced."
    )
    approved_by = serializers.SerializerMethodField()

    class Meta:
        model = TariffDraft
        fields = ["ocpi", "valid_from", "digest", "seen", "approved_by", "updated_at"]
        read_only_fields = ["updated_at"]

    @extend_schema_field(serializers.EmailField(allow_null=True))
    def get_approved_by(self, draft):
        approval = getattr(draft, "approval", None)
        return approval.by.email if approval is not None else None


class SeenSerializer(serializers.Serializer):
    """What is approved or published: the draft that was seen, and the warnings that are meant so."""

    seen = serializers.CharField(help_text="The draft's digest.")
    confirmed = serializers.ListField(
        child=serializers.CharField(max_length=300),
        required=False,
        max_length=500,
        help_text="The `key` of each warning.",
    )


class FindingSerializer(serializers.Serializer):
    level = serializers.ChoiceField(choices=[each.value for each in pricing.Level])
    code = serializers.CharField()
    path = serializers.CharField(help_text="Where in the tariff object.")
    message = serializers.CharField()
    key = serializers.SerializerMethodField()

    def get_key(self, finding) -> str:
        return drafts.key(finding)


class ComparedLineSerializer(serializers.Serializer):
    description = serializers.CharField()
    old = serializers.CharField(allow_null=True)
    new = serializers.CharField(allow_null=True)
    difference = serializers.CharField()


class ComparisonSerializer(serializers.Serializer):
    """A session by the prices in force and by the draft, tax included."""

    what = serializers.CharField(help_text="The sample, or the session's id.")
    old = serializers.CharField(allow_null=True)
    new = serializers.CharField()
    difference = serializers.CharField()
    lines = ComparedLineSerializer(many=True)


class TariffPreviewSerializer(serializers.Serializer):
    currency = serializers.CharField()
    samples = ComparisonSerializer(many=True)
    past = ComparisonSerializer(many=True)
    old = serializers.CharField()
    new = serializers.CharField()
    difference = serializers.CharField()
    left_out = serializers.IntegerField(help_text="Past sessions that were not reached in time.")


def compared(what: str, comparison) -> dict:
    def amount(priced) -> str | None:
        return None if priced is None else str(priced.gross)

    return {
        "what": what,
        "old": amount(comparison.old),
        "new": amount(comparison.new),
        "difference": str(comparison.difference),
        "lines": [
            {
                "description": line.description,
                "old": amount(line.old),
                "new": amount(line.new),
                "difference": str(line.difference),
            }
            for line in comparison.lines
        ],
    }


class AssignmentSerializer(serializers.Serializer):
    """A site, or one EVSE."""

    site = RowField(name="slug", rows=sites, required=False)
    evse = RowField(name="public_id__iexact", shown="public_id", rows=evses, required=False)
    valid_from = serializers.DateTimeField(required=False, help_text="From now on, where none is given.")

    def validate(self, fields):
        if len(set(fields) - {"valid_from"}) != 1:
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
    Resource,
):
    queryset = Tariff.objects.select_related("operator").prefetch_related("versions")
    serializer_class = TariffSerializer
    filterset_class = TariffFilter
    http_method_names = ["get", "post", "patch", "put", "delete"]
    needs = {
        "list": "view_ops",
        "retrieve": "view_ops",
        "create": "manage_tariffs",
        "partial_update": "manage_tariffs",
        "versions": "manage_tariffs",
        "assign": "manage_tariffs",
        "draft": "manage_tariffs",
        "lint": "manage_tariffs",
        "preview": "manage_tariffs",
        "approve": "manage_tariffs",
        "publish": "manage_tariffs",
    }

    @extend_schema(request=NewTariffSerializer, responses={201: TariffSerializer})
    def create(self, request):
        form = NewTariffSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        wish = {"valid_from": timezone.now(), **form.validated_data}
        operator = operator_for(request, self.permission, wish.pop("operator", ""))
        try:
            with transaction.atomic():
                if "ocpi" in wish:
                    tariff = actions.create_tariff(operator=operator, by=person(request), **wish)
                else:
                    tariff = drafts.create(operator=operator, name=wish["name"], by=person(request)).tariff
        except IntegrityError:
            raise Refused("There is a tariff of this name already.", code="exists") from None
        except actions.TariffRefused as refusal:
            raise Refused(str(refusal)) from None
        return Response(self.get_serializer(tariff).data, status=status.HTTP_201_CREATED)

    def partial_update(self, request, pk=None):
        form = self.get_serializer(self.get_object(), data=request.data, partial=True)
        form.is_valid(raise_exception=True)
        try:
            with transaction.atomic():
                form.save()
        except IntegrityError:
            raise Refused("There is a tariff of this name already.", code="exists") from None
        return Response(form.data)

    @extend_schema(request=VersionSerializer, responses={201: VersionSerializer})
    @action(detail=True, methods=["post"])
    def versions(self, request, pk=None):
        tariff = self.get_object()
        form = VersionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wish = {"valid_from": timezone.now(), **form.validated_data}
        try:
            version = actions.publish(tariff=tariff, by=person(request), **wish)
        except actions.TariffRefused as refusal:
            raise Refused(str(refusal)) from None
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
            valid_from = form.validated_data.get("valid_from")
            actions.assign(tariff=tariff, site=site, evse=evse, valid_from=valid_from)
        except actions.TariffRefused as error:
            raise Refused(str(error)) from None
        return Response({"site": site.slug, "evse": evse.public_id if evse else None})

    def _draft(self) -> TariffDraft:
        return get_object_or_404(
            TariffDraft.objects.select_related("tariff__operator", "approval__by"), tariff=self.get_object()
        )

    @extend_schema(methods=["GET"], responses=DraftSerializer)
    @extend_schema(methods=["PUT"], request=DraftSerializer, responses=DraftSerializer)
    @extend_schema(methods=["DELETE"], responses={204: None})
    @action(detail=True, methods=["get", "put", "delete"])
    def draft(self, request, pk=None):
        """The next version while it is written. PUT begins it where there is none."""
        if request.method == "GET":
            return Response(DraftSerializer(self._draft()).data)
        if request.method == "DELETE":
            try:
                drafts.discard(draft=self._draft())
            except actions.TariffRefused as refusal:
                raise Refused(str(refusal)) from None
            return Response(status=status.HTTP_204_NO_CONTENT)
        tariff = self.get_object()
        form = DraftSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wish = {"valid_from": None, **form.validated_data}
        try:
            with transaction.atomic():
                row = drafts.begin(tariff=tariff, by=person(request))
                row = drafts.change(draft=row, by=person(request), **wish)
        except pricing.TariffError as error:
            raise serializers.ValidationError({"ocpi": str(error)}) from None
        except actions.TariffRefused as refusal:
            raise Refused(str(refusal)) from None
        return Response(DraftSerializer(row).data)

    @extend_schema(responses=FindingSerializer(many=True))
    @action(detail=True, methods=["get"], url_path="draft/lint", pagination_class=None, filterset_class=None)
    def lint(self, request, pk=None):
        """What is to be said of the draft. Errors keep it from being published; warnings are confirmed."""
        found = drafts.findings(draft=self._draft(), now=timezone.now())
        return Response(FindingSerializer(found, many=True).data)

    @extend_schema(
        parameters=[OpenApiParameter("sessions", int, description="How many past sessions; at most 200.")],
        responses=TariffPreviewSerializer,
    )
    @action(detail=True, methods=["get"], url_path="draft/preview")
    def preview(self, request, pk=None):
        """Sample and past sessions by the prices in force and by the draft."""
        draft, now = self._draft(), timezone.now()
        asked = request.query_params.get("sessions", str(previews.COUNTS[0]))
        if not (asked.isascii() and asked.isdecimal() and 0 <= int(asked[:6]) <= max(previews.COUNTS)):
            raise serializers.ValidationError({"sessions": f"A number up to {max(previews.COUNTS)}."})
        version = previews.in_force(draft.tariff, now)
        old = prices.tariff(version) if version is not None else None
        new = pricing.Tariff.from_ocpi(draft.ocpi)
        day = (draft.valid_from or now).astimezone(books.zone_of(draft.tariff.operator))
        past = previews.past(tariff=draft.tariff, old=old, new=new, now=now, count=int(asked))
        return Response(
            {
                "currency": new.currency,
                "samples": [compared(each.key, found) for each, found in previews.samples(old, new, day)],
                "past": [compared(str(each.session.pk), each.comparison) for each in past.rows],
                "old": str(past.old),
                "new": str(past.new),
                "difference": str(past.difference),
                "left_out": past.left_out,
            }
        )

    @extend_schema(request=SeenSerializer, responses=DraftSerializer)
    @action(detail=True, methods=["post"], url_path="draft/approve")
    def approve(self, request, pk=None):
        """The second person's word on exactly the draft that they saw; keys have none."""
        self._decide(request, drafts.approve)
        return Response(DraftSerializer(self._draft()).data)

    @extend_schema(request=SeenSerializer, responses={201: VersionSerializer})
    @action(detail=True, methods=["post"], url_path="draft/publish")
    def publish(self, request, pk=None):
        """The draft becomes the tariff's next version."""
        version = self._decide(request, drafts.publish)
        return Response(VersionSerializer(version).data, status=status.HTTP_201_CREATED)

    def _decide(self, request, act):
        draft = self._draft()
        form = SeenSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            return act(draft=draft, by=person(request), **form.validated_data)
        except actions.TariffRefused as refusal:
            raise Refused(str(refusal)) from None

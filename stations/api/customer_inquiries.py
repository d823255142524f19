"""`/api/v1/customer-inquiries/`: what 2.x chargers keep about a customer is told once, or forgotten."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import Count
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response

from evportal.accounts.models import User
from evportal.rest.fields import RowField
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource
from stations import customer_information
from stations.api.refusals import told
from stations.exceptions import InvalidPayload
from stations.models import CustomerInquiry, IdToken, Station

LONGEST_KEPT = round(customer_information.WAIT.total_seconds())


class CustomerInquirySerializer(serializers.ModelSerializer):
    station = serializers.CharField(source="station.identity", read_only=True)
    parts = serializers.IntegerField(
        source="parts_count", read_only=True, help_text="How many NotifyCustomerInformation have come."
    )

    class Meta:
        model = CustomerInquiry
        fields = [
            "id",
            "station",
            "about",
            "hint",
            "report",
            "clear",
            "state",
            "state_at",
            "problem",
            "parts",
            "command",
            "created_at",
        ]
        read_only_fields = fields


class HashesSerializer(serializers.Serializer):
    """A certificate as OCPP names it (CertificateHashDataType)."""

    hashAlgorithm = serializers.ChoiceField(["SHA256", "SHA384", "SHA512"])
    issuerNameHash = serializers.RegexField(r"^[0-9A-Fa-f]+$", max_length=128)
    issuerKeyHash = serializers.RegexField(r"^[0-9A-Fa-f]+$", max_length=128)
    serialNumber = serializers.RegexField(r"^[0-9A-Fa-f]+$", max_length=40)


class WishSerializer(serializers.Serializer):
    """What the charger is to do: tell (`report`), forget (`clear`), or first the one and then the other."""

    report = serializers.BooleanField(default=False)
    clear = serializers.BooleanField(default=False)

    def validate(self, data):
        if not (data["report"] or data["clear"]):
            raise serializers.ValidationError({"report": ["Say report, clear, or both."]})
        return data


class InquirySerializer(WishSerializer):
    """The customer is exactly one of `token`, `identifier` and `certificate`."""

    WHO = ("token", "identifier", "certificate")

    station = RowField(
        name="identity", rows=lambda access, permission: Station.objects.visible_to(access, permission)
    )
    token = serializers.CharField(max_length=255, required=False)
    token_type = serializers.ChoiceField(IdToken.Type.choices, default=IdToken.Type.ISO14443)
    identifier = serializers.CharField(max_length=64, required=False, help_text="The customer's number.")
    certificate = HashesSerializer(required=False)
    keep_for = serializers.IntegerField(
        default=0,
        min_value=0,
        max_value=LONGEST_KEPT,
        help_text="Seconds for which it may wait for a charger that is offline.",
    )

    def validate(self, data):
        named = [name for name in self.WHO if name in data]
        if len(named) != 1:
            raise serializers.ValidationError(
                {each: [f"Give one of {', '.join(self.WHO)}."] for each in named or self.WHO[:1]}
            )
        return super().validate(data)


class DriverInquirySerializer(WishSerializer):
    email = serializers.EmailField(help_text="A driver's: asked is every 2.x charger where they charged.")


class TellingSerializer(serializers.Serializer):
    text = serializers.CharField(help_text="The parts in their order, joined.")


class CustomerInquiryFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")

    class Meta:
        model = CustomerInquiry
        fields = ["station", "state", "report", "clear"]


class CustomerInquiries(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Whom an inquiry was about is in its call alone, and goes with what the charger told."""

    queryset = CustomerInquiry.objects.select_related("station").annotate(parts_count=Count("parts"))
    serializer_class = CustomerInquirySerializer
    filterset_class = CustomerInquiryFilter
    page_ordering = ("-pk",)
    http_method_names = ["get", "post"]
    needs = dict.fromkeys(["list", "retrieve", "create", "of_driver", "show"], "view_drivers")
    # A repeat must not find what is told once and then deleted.
    not_kept = frozenset(["show"])

    @extend_schema(request=InquirySerializer, responses={201: CustomerInquirySerializer})
    def create(self, request):
        asked = InquirySerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        wish = dict(asked.validated_data)
        seconds = wish.pop("keep_for")
        keep_for = timedelta(seconds=seconds) if seconds else None
        with told():
            try:
                row = customer_information.ask(by=request.user, keep_for=keep_for, **wish)
            except InvalidPayload as error:
                raise serializers.ValidationError({"detail": [str(error)]}) from None
        return Response(self._rows([row])[0], status=status.HTTP_201_CREATED)

    @extend_schema(request=DriverInquirySerializer, responses={201: CustomerInquirySerializer(many=True)})
    @action(detail=False, methods=["post"], url_path="of-driver")
    def of_driver(self, request):
        """Ask every 2.x charger of yours where this driver charged; one that is away within two weeks."""
        asked = DriverInquirySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wish = dict(asked.validated_data)
        driver = User.objects.filter(email__iexact=wish.pop("email")).first()
        rows = []
        if driver is not None:
            with told():
                rows = customer_information.ask_all(
                    user=driver, access=request.access, by=request.user, **wish
                )
        if not rows:
            # Whether somebody has an account is nobody's to find out here.
            raise Refused("This driver has charged at no charger of OCPP 2.x of yours.")
        return Response(self._rows(rows), status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={200: TellingSerializer})
    @action(detail=True, methods=["post"])
    def show(self, request, pk=None):
        """What the charger told, in this answer and nowhere else: from then on it is deleted."""
        text = customer_information.show(inquiry=self.get_object())
        if text is None:
            raise Refused("It was shown already, or there is nothing to show.")
        return Response({"text": text}, headers={"Cache-Control": "no-store"})

    def _rows(self, rows: list[CustomerInquiry]) -> list[dict]:
        found = self.get_queryset().filter(pk__in=[row.pk for row in rows]).order_by("pk")
        return self.get_serializer(found, many=True).data

"""`/api/v1/bookings/`: hold, change, cancel."""

from decimal import Decimal

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from bookings import actions, availability, by_operator, changes, refusals, rules
from bookings.exceptions import BookingRefused, NotBookable, SlotTaken
from bookings.models import Booking
from bookings.rules import Problem
from evportal.rest.fields import RowField
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource, person
from stations.models import Evse, IdToken

#: Other slots may help where this one is taken, but not where the wish itself breaks the site's rules.
OCCUPIED = (Problem.TAKEN, Problem.IN_USE, Problem.CLOSED, Problem.OUT_OF_ORDER)


def bookable(access, permission):
    """People book where the public may; a key, its operator's EVSEs."""
    if access.user_id is None:
        return Evse.objects.visible_to(access, permission).with_station()
    return Evse.objects.public().with_station()


def tokens(access, permission):
    return IdToken.objects.visible_to(access, permission).select_related("user")


class BookingSerializer(serializers.ModelSerializer):
    evse = RowField(name="public_id__iexact", shown="public_id", rows=bookable)
    id_token = RowField(
        name="token__iexact",
        shown="token",
        rows=tokens,
        required=False,
        allow_null=True,
        help_text="For keys: the card that the charger lets in.",
    )
    site = serializers.CharField(source="evse.station.site.slug", read_only=True)
    reservation_id = serializers.IntegerField(read_only=True, allow_null=True)
    session = serializers.UUIDField(source="session_id", read_only=True, allow_null=True)
    currency = serializers.CharField(source="evse.station.site.operator.currency", read_only=True)
    series = serializers.UUIDField(source="series_id", read_only=True, allow_null=True)
    free_cancel_until = serializers.DateTimeField(read_only=True)
    no_show_at = serializers.DateTimeField(
        read_only=True, help_text="Until then the charger is kept for a driver who hasn't come."
    )
    cancellation_fee = serializers.SerializerMethodField(
        help_text="What the driver's cancelling would cost at this moment, tax included."
    )
    terms = serializers.SerializerMethodField(help_text="As frozen when it was made, by OCPI 2.3's names.")

    class Meta:
        model = Booking
        fields = [
            "id",
            "status",
            "site",
            "evse",
            "id_token",
            "starts_at",
            "ends_at",
            "hold_expires_at",
            "free_cancel_until",
            "no_show_at",
            "late_minutes",
            "cancellation_fee",
            "terms",
            "promised_power_w",
            "series",
            "reservation_id",
            "session",
            "fee",
            "currency",
            "created_at",
            "confirmed_at",
            "closed_at",
            "closed_reason",
        ]
        read_only_fields = [
            "status",
            "hold_expires_at",
            "late_minutes",
            "promised_power_w",
            "fee",
            "confirmed_at",
            "closed_at",
            "closed_reason",
        ]

    def get_cancellation_fee(self, booking) -> str:
        return f"{actions.cancellation_fee(booking, timezone.now()):.2f}"

    def get_terms(self, booking) -> dict:
        return rules.as_ocpi(booking)

    def to_representation(self, booking):
        shown = super().to_representation(booking)
        access = self.context["request"].access
        is_mine = access.user_id is not None and booking.user_id == access.user_id
        if booking.id_token and not is_mine and not access.may_at("view_drivers", booking.evse.station.site):
            shown["id_token"] = f"…{booking.id_token.token[-4:]}"
        return shown

    def validate(self, fields):
        was = self.instance
        starts_at = fields.get("starts_at") or was.starts_at
        if (fields.get("ends_at") or was.ends_at) <= starts_at:
            raise serializers.ValidationError({"ends_at": NotBookable.SENTENCES[Problem.REVERSED]})
        return fields


class BookingFilter(filters.FilterSet):
    site = filters.CharFilter(field_name="evse__station__site__slug")
    station = filters.CharFilter(field_name="evse__station__identity")
    evse = filters.CharFilter(field_name="evse__public_id", lookup_expr="iexact")
    starts_after = filters.IsoDateTimeFilter(field_name="starts_at", lookup_expr="gte")
    starts_before = filters.IsoDateTimeFilter(field_name="starts_at", lookup_expr="lt")

    class Meta:
        model = Booking
        fields = ["status"]


class LateSerializer(serializers.Serializer):
    minutes = serializers.IntegerField(min_value=1, max_value=24 * 60)


class CancelSerializer(serializers.Serializer):
    fee = serializers.DecimalField(
        8,
        2,
        min_value=0,
        required=False,
        help_text="The most that is agreed to; more is refused.",
    )


class Bookings(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, Resource):
    """A person's booking is held until it is paid in the portal; an operator's key books firmly."""

    queryset = Booking.objects.select_related(
        "evse__station__site__operator", "reservation", "id_token"
    ).prefetch_related("evse__connectors")
    serializer_class = BookingSerializer
    filterset_class = BookingFilter
    page_ordering = ("-starts_at", "-pk")
    lookup_value_regex = "[^/]+"
    needs = {
        "list": "view_bookings",
        "retrieve": "view_bookings",
        "create": "manage_bookings",
        "partial_update": "manage_bookings",
        "cancel": "manage_bookings",
        "extend": "manage_bookings",
        "late": "manage_bookings",
    }
    own = frozenset({"list", "retrieve", "create", "partial_update", "cancel", "extend", "late"})

    def perform_create(self, serializer):
        wish, now = serializer.validated_data, timezone.now()
        slot = {name: wish[name] for name in ("evse", "starts_at", "ends_at")}
        driver = person(self.request)
        token = wish.get("id_token")
        check_token(token, driver=driver, evse=slot["evse"])
        try:
            if driver is not None:
                serializer.instance = actions.hold(user=driver, now=now, **slot)
            else:
                serializer.instance = by_operator.book(id_token=token, now=now, **slot)
        except BookingRefused as refused:
            refusals.note(refused=refused, user=driver, now=now, **slot)
            raise conflict(refused, now=now, **slot) from None

    def partial_update(self, request, pk=None):
        """Another time, another end, or another EVSE of the site; on the terms it was made on."""
        booking = self.get_object()
        serializer = self.get_serializer(booking, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        wish, now = serializer.validated_data, timezone.now()
        if "id_token" in wish:
            raise serializers.ValidationError(
                {"id_token": "A booking keeps its token: cancel it, book anew."}
            )
        slot = {name: wish.get(name, getattr(booking, name)) for name in ("evse", "starts_at", "ends_at")}
        try:
            booking = changes.change(booking=booking, now=now, **slot)
        except BookingRefused as refused:
            raise conflict(refused, now=now, **slot) from None
        return Response(self.get_serializer(booking).data)

    @extend_schema(request=CancelSerializer, responses=BookingSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk=None):
        agreed = CancelSerializer(data=request.data)
        agreed.is_valid(raise_exception=True)
        booking, now, who = self.get_object(), timezone.now(), person(request)
        most = agreed.validated_data.get("fee")
        is_driver = who is not None and who.pk == booking.user_id
        fee = actions.cancellation_fee(booking, now) if is_driver else Decimal(0)
        if most is not None and fee > most:
            raise Refused(f"Cancelling costs {fee} by now.", code="costs_more", cancellation_fee=str(fee))
        return self._answer(actions.cancel, booking=booking, by=who, now=now)

    @extend_schema(request=None, responses=BookingSerializer)
    @action(detail=True, methods=["post"])
    def extend(self, request, pk=None):
        """Hold it for as long again, once."""
        return self._answer(actions.extend_hold, booking=self.get_object(), now=timezone.now())

    @extend_schema(request=LateSerializer, responses=BookingSerializer)
    @action(detail=True, methods=["post"])
    def late(self, request, pk=None):
        """The driver comes later: keep the charger so much longer than the terms say."""
        asked = LateSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return self._answer(
            changes.late, booking=self.get_object(), now=timezone.now(), **asked.validated_data
        )

    def _answer(self, do, **how):
        try:
            booking = do(**how)
        except BookingRefused as refused:
            raise Refused(str(refused), alternatives=[]) from None
        return Response(self.get_serializer(booking).data)


def check_token(token: IdToken | None, *, driver, evse: Evse) -> None:
    if driver is not None and token is not None:
        raise serializers.ValidationError({"id_token": "A driver books for themselves."})
    if token is not None and token.operator_id != evse.station.site.operator_id:
        raise serializers.ValidationError({"id_token": "This is another operator's token."})


def conflict(refused: BookingRefused, *, evse, starts_at, ends_at, now) -> Refused:
    """Why not, and what is free near it."""
    found, code = [], "refused"
    if isinstance(refused, SlotTaken):
        found, code = refused.alternatives, "taken"
    elif isinstance(refused, NotBookable):
        code = refused.problem.value
        if refused.problem in OCCUPIED:
            found = availability.nearest(evse=evse, starts_at=starts_at, ends_at=ends_at, now=now)
    return Refused(str(refused), code=code, alternatives=SlotSerializer(found, many=True).data)


class SlotSerializer(serializers.Serializer):
    evse = serializers.CharField(source="evse.public_id")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()

"""`/api/v1/bookings/` and `/api/v1/availability/`."""

from datetime import timedelta

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from bookings import actions, availability, by_operator, refusals
from bookings.exceptions import BookingRefused, NotBookable, SlotTaken
from bookings.models import Booking
from bookings.rules import Problem
from evportal.rest.fields import RowField
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource, person
from stations.models import Connector, Evse, IdToken, Site

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
    free_cancel_until = serializers.DateTimeField(read_only=True)

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
            "fee",
            "confirmed_at",
            "closed_at",
            "closed_reason",
        ]

    def to_representation(self, booking):
        shown = super().to_representation(booking)
        access = self.context["request"].access
        is_mine = access.user_id is not None and booking.user_id == access.user_id
        if booking.id_token and not is_mine and not access.may_at("view_drivers", booking.evse.station.site):
            shown["id_token"] = f"…{booking.id_token.token[-4:]}"
        return shown

    def validate(self, fields):
        if fields["ends_at"] <= fields["starts_at"]:
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
        "cancel": "manage_bookings",
    }
    own = frozenset({"list", "retrieve", "create", "cancel"})

    def perform_create(self, serializer):
        wish, now = serializer.validated_data, timezone.now()
        slot = {name: wish[name] for name in ("evse", "starts_at", "ends_at")}
        driver = person(self.request)
        token = wish.get("id_token")
        if driver is not None and token is not None:
            raise serializers.ValidationError({"id_token": "A driver books for themselves."})
        if token is not None and token.operator_id != slot["evse"].station.site.operator_id:
            raise serializers.ValidationError({"id_token": "This is another operator's token."})
        try:
            if driver is not None:
                serializer.instance = actions.hold(user=driver, now=now, **slot)
            else:
                serializer.instance = by_operator.book(id_token=token, now=now, **slot)
        except BookingRefused as refused:
            refusals.note(refused=refused, user=driver, now=now, **slot)
            raise conflict(refused, now=now, **slot) from None

    @extend_schema(request=None, responses=BookingSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk=None):
        try:
            booking = actions.cancel(booking=self.get_object(), by=person(request), now=timezone.now())
        except BookingRefused as refused:
            raise Refused(str(refused), alternatives=[]) from None
        return Response(self.get_serializer(booking).data)


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


# Availability


def visible_sites(access, permission):
    return Site.objects.public().select_related("operator") | Site.objects.visible_to(
        access, permission
    ).select_related("operator")


class QuestionSerializer(serializers.Serializer):
    site = RowField(name="slug", rows=visible_sites)
    date = serializers.DateField(required=False, help_text="A day there; today where none is given.")
    minutes = serializers.IntegerField(min_value=1, max_value=24 * 60, required=False)
    standard = serializers.ChoiceField(Connector.Standard.choices, required=False)
    min_kw = serializers.DecimalField(7, 1, min_value=0, default=0)


class TimeSerializer(serializers.Serializer):
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    state = serializers.CharField(source="state.value")


class EvseSlotsSerializer(serializers.Serializer):
    evse = serializers.CharField(source="evse.public_id")
    max_power_w = serializers.IntegerField(source="evse.max_power_w")
    slots = TimeSerializer(many=True)


class AvailabilitySerializer(serializers.Serializer):
    site = serializers.CharField()
    date = serializers.DateField()
    time_zone = serializers.CharField()
    minutes = serializers.IntegerField()
    results = EvseSlotsSerializer(many=True)


class Availability(Resource):
    """The slots of one day at one site, free or why not."""

    pagination_class = filterset_class = None
    queryset = Site.objects.none()
    filter_backends = []
    needs = {"list": "view_ops"}
    own = frozenset({"list"})
    #: How far ahead and back a day may be asked for.
    FAR = timedelta(days=400)

    @extend_schema(parameters=[QuestionSerializer], responses=AvailabilitySerializer)
    def list(self, request):
        question = QuestionSerializer(data=request.query_params.dict(), context=self.get_serializer_context())
        question.is_valid(raise_exception=True)
        asked, now = question.validated_data, timezone.now()
        site = asked["site"]
        today = now.astimezone(site.zone).date()
        day = asked.get("date", today)
        if abs(day - today) > self.FAR:
            raise serializers.ValidationError({"date": "That is too far from today."})
        minutes = asked.get("minutes") or availability.policies_of([site])[site.pk].min_minutes
        rows = availability.free_slots(
            site, day, minutes, now=now, standard=asked.get("standard", ""), min_kw=asked["min_kw"]
        )
        answer = {
            "site": site.slug,
            "date": day,
            "time_zone": site.time_zone,
            "minutes": minutes,
            "results": rows,
        }
        return Response(AvailabilitySerializer(answer).data)


RESOURCES = {"bookings": Bookings, "availability": Availability}

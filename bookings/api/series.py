"""`/api/v1/booking-series/`: the same time week after week, booked and given back together."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response

from bookings import series
from bookings.api.bookings import BookingSerializer, SlotSerializer, bookable, check_token, tokens
from bookings.exceptions import BookingRefused, NotBookable, SeriesRefused
from bookings.models import BookingSeries
from bookings.recurring import DAYS
from bookings.rules import Problem
from evportal.rest.fields import RowField
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource, person


class BookingSeriesSerializer(serializers.ModelSerializer):
    evse = serializers.CharField(source="evse.public_id")
    bookings = BookingSerializer(many=True)

    class Meta:
        model = BookingSeries
        fields = ["id", "evse", "created_at", "bookings"]


class WishSerializer(serializers.Serializer):
    evse = RowField(name="public_id__iexact", shown="public_id", rows=bookable)
    id_token = RowField(
        name="token__iexact",
        shown="token",
        rows=tokens,
        required=False,
        allow_null=True,
        help_text="For keys.",
    )
    starts_at = serializers.DateTimeField(help_text="The first; the others at the same time on its clock.")
    ends_at = serializers.DateTimeField()
    weekdays = serializers.ListField(
        child=serializers.ChoiceField(DAYS),
        required=False,
        help_text="The first one's if none is given.",
    )
    every = serializers.IntegerField(min_value=1, max_value=8, default=1, help_text="So many weeks apart.")
    count = serializers.IntegerField(min_value=1, max_value=series.MOST, help_text="So many bookings.")
    mode = serializers.ChoiceField(
        ["all_or_none", "best_effort"],
        default="all_or_none",
        help_text="Where some can't be had.",
    )

    def validate(self, wish):
        if wish["ends_at"] <= wish["starts_at"]:
            raise serializers.ValidationError({"ends_at": NotBookable.SENTENCES[Problem.REVERSED]})
        return wish


class OccurrenceSerializer(serializers.Serializer):
    """A time of the series: its booking, or why there is none and what is free near it."""

    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    booking = serializers.SerializerMethodField()
    refusal = serializers.SerializerMethodField()
    alternatives = serializers.SerializerMethodField()

    def get_booking(self, occurrence) -> str | None:
        return occurrence.booking and str(occurrence.booking.pk)

    def get_refusal(self, occurrence) -> str:
        return str(occurrence.refusal or "")

    @extend_schema(responses=SlotSerializer(many=True))
    def get_alternatives(self, occurrence) -> list:
        found = getattr(occurrence.refusal, "alternatives", [])
        return SlotSerializer(found, many=True).data


class MadeSerializer(serializers.Serializer):
    id = serializers.UUIDField(source="series.pk")
    occurrences = OccurrenceSerializer(many=True)


class CancelBookingSeriesSerializer(serializers.Serializer):
    since = serializers.DateTimeField(
        required=False, help_text="From this time on; all that is to come else."
    )


class Series(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """A person's bookings are held, each until it is paid for in the portal; a key's are firm at once."""

    queryset = BookingSeries.objects.select_related("evse").prefetch_related(
        "bookings__evse__station__site__operator", "bookings__evse__connectors", "bookings__id_token"
    )
    serializer_class = BookingSeriesSerializer
    page_ordering = ("-created_at", "-pk")
    lookup_value_regex = "[^/]+"
    needs = {
        "list": "view_bookings",
        "retrieve": "view_bookings",
        "create": "manage_bookings",
        "cancel": "manage_bookings",
    }
    own = frozenset({"list", "retrieve", "create", "cancel"})

    @extend_schema(request=WishSerializer, responses={201: MadeSerializer})
    def create(self, request):
        asked = WishSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        wish, driver = asked.validated_data, person(request)
        token = wish.get("id_token")
        check_token(token, driver=driver, evse=wish["evse"])
        try:
            made = series.book(
                evse=wish["evse"],
                starts_at=wish["starts_at"],
                ends_at=wish["ends_at"],
                weekdays=[DAYS.index(day) for day in wish.get("weekdays", [])],
                every=wish["every"],
                count=wish["count"],
                all_or_none=wish["mode"] == "all_or_none",
                now=timezone.now(),
                user=driver,
                id_token=token,
            )
        except SeriesRefused as refused:
            found = [_unbooked(each) for each in refused.occurrences]
            said = OccurrenceSerializer(found, many=True).data
            raise Refused(str(refused), occurrences=said) from None
        return Response(MadeSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=CancelBookingSeriesSerializer, responses=BookingSeriesSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk=None):
        """Give back what is still to come, or what begins at some time or later."""
        asked = CancelBookingSeriesSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        row = self.get_object()
        try:
            series.cancel(
                series=row, by=person(request), now=timezone.now(), since=asked.validated_data.get("since")
            )
        except BookingRefused as refused:
            raise Refused(str(refused)) from None
        return Response(self.get_serializer(self.get_object()).data)


def _unbooked(occurrence: series.Occurrence) -> series.Occurrence:
    """Nothing of it was kept, so no booking may be named."""
    return series.Occurrence(occurrence.starts_at, occurrence.ends_at, refusal=occurrence.refusal)

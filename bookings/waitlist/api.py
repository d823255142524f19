"""`/api/v1/waitlist/`: a driver's places in queues; for an operator, the queues of its sites."""

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import exceptions, mixins, serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from bookings.exceptions import BookingRefused
from bookings.models import Offer, WaitlistPlace
from bookings.waitlist import actions, queue
from evportal.rest.fields import RowField
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource, person
from stations.models import Connector, Site


def public_sites(access, permission):
    return Site.objects.public().select_related("operator")


class OfferSerializer(serializers.ModelSerializer):
    evse = serializers.CharField(source="booking.evse.public_id")
    starts_at = serializers.DateTimeField(source="booking.starts_at")
    ends_at = serializers.DateTimeField(source="booking.ends_at")

    class Meta:
        model = Offer
        fields = ["booking", "evse", "starts_at", "ends_at", "made_at", "expires_at"]


class StandingSerializer(serializers.Serializer):
    """Who is ahead with a wish that competes, how many of them pause, how many wait here in all."""

    ahead = serializers.IntegerField()
    paused = serializers.IntegerField()
    waiting = serializers.IntegerField()


class PlaceSerializer(serializers.ModelSerializer):
    site = RowField(name="slug", rows=public_sites)
    now = serializers.BooleanField(source="is_now", default=False)
    starts_after = serializers.DateTimeField(required=False, help_text="Now, where none is given.")
    min_kw = serializers.DecimalField(7, 1, min_value=0, max_value=2000, default=0, write_only=True)
    standard = serializers.ChoiceField(Connector.Standard.choices, required=False, default="")
    offer = OfferSerializer(read_only=True, allow_null=True)
    standing = serializers.SerializerMethodField()

    class Meta:
        model = WaitlistPlace
        fields = [
            "id",
            "site",
            "now",
            "starts_after",
            "ends_before",
            "minutes",
            "standard",
            "min_kw",
            "min_power_w",
            "state",
            "queued_at",
            "paused_until",
            "standing",
            "offer",
            "closed_at",
            "closed_reason",
        ]
        read_only_fields = [
            "min_power_w",
            "state",
            "queued_at",
            "paused_until",
            "closed_at",
            "closed_reason",
        ]

    @extend_schema_field(StandingSerializer(allow_null=True))
    def get_standing(self, place):
        """Reckoned once for each site in an answer."""
        if not place.is_open:
            return None
        known = self.context.setdefault("queues", {})
        if place.site_id not in known:
            known[place.site_id] = queue.load(place.site, timezone.now())
        return StandingSerializer(known[place.site_id].standing(place)).data


class PauseSerializer(serializers.Serializer):
    minutes = serializers.IntegerField(min_value=1, max_value=24 * 60)


class PlaceFilter(filters.FilterSet):
    site = filters.CharFilter(field_name="site__slug")

    class Meta:
        model = WaitlistPlace
        fields = ["state"]


class Waitlist(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, Resource):
    """Only a person can wait; a key sees the queues of its operator's sites, without who waits there."""

    queryset = WaitlistPlace.objects.select_related("site__operator").prefetch_related(
        "offers__booking__evse"
    )
    serializer_class = PlaceSerializer
    filterset_class = PlaceFilter
    page_ordering = ("queued_at", "pk")
    lookup_value_regex = "[^/]+"
    needs = {
        "list": "view_bookings",
        "retrieve": "view_bookings",
        "create": "manage_bookings",
        "accept": "manage_bookings",
        "pause": "manage_bookings",
        "resume": "manage_bookings",
        "leave": "manage_bookings",
    }
    own = frozenset(needs)

    def perform_create(self, serializer):
        driver, now = person(self.request), timezone.now()
        if driver is None:
            raise exceptions.PermissionDenied("Only a driver can wait: sign in as one.")
        wish = serializer.validated_data
        try:
            serializer.instance = actions.join(
                site=wish["site"],
                user=driver,
                starts_after=max(wish.get("starts_after", now), now),
                ends_before=wish["ends_before"],
                minutes=wish["minutes"],
                is_now=wish["is_now"],
                standard=wish["standard"],
                min_power_w=int(wish["min_kw"] * 1000),
                now=now,
            )
        except BookingRefused as refused:
            raise Refused(str(refused)) from None

    @extend_schema(request=None, responses=PlaceSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request, pk=None):
        """Take the offered slot: its booking is then held, to be paid in the portal."""
        return self._answer(actions.accept)

    @extend_schema(request=PauseSerializer, responses=PlaceSerializer)
    @action(detail=True, methods=["post"])
    def pause(self, request, pk=None):
        """Be offered nothing for some minutes, and keep the place."""
        return self._answer(actions.pause, PauseSerializer(data=request.data))

    @extend_schema(request=None, responses=PlaceSerializer)
    @action(detail=True, methods=["post"])
    def resume(self, request, pk=None):
        return self._answer(actions.resume)

    @extend_schema(request=None, responses=PlaceSerializer)
    @action(detail=True, methods=["post"])
    def leave(self, request, pk=None):
        return self._answer(actions.leave)

    def _answer(self, change, asked=None):
        place = self.get_object()
        driver = person(self.request)
        # An operator may take somebody out of a queue; what is offered is the driver's alone to answer.
        if (driver is None or place.user_id != driver.pk) and change is not actions.leave:
            raise exceptions.PermissionDenied("Only the driver who waits can do that.")
        if asked is not None:
            asked.is_valid(raise_exception=True)
        try:
            change(place=place, now=timezone.now(), **(asked.validated_data if asked is not None else {}))
        except BookingRefused as refused:
            raise Refused(str(refused)) from None
        return Response(self.get_serializer(self.get_queryset().get(pk=place.pk)).data)


RESOURCES = {"waitlist": Waitlist}

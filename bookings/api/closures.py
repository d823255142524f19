"""`/api/v1/closures/`: an EVSE out of use for a time; who is affected is seen before it is saved."""

from __future__ import annotations

from django.utils import timezone
from django_filters import rest_framework as filters
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, mixins, serializers, status
from rest_framework.response import Response

from bookings import closing
from bookings.models import Closure
from evportal.rest.fields import RowField
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource
from stations.models import Evse


def closable(access, permission):
    return Evse.objects.visible_to(access, permission).with_station()


class ClosureSerializer(serializers.ModelSerializer):
    evse = RowField(name="public_id__iexact", shown="public_id", rows=closable)
    starts_at = serializers.DateTimeField(required=False, help_text="Now, unless given.")
    site = serializers.CharField(source="evse.station.site.slug", read_only=True)
    plan = serializers.IntegerField(
        source="plan_id", read_only=True, allow_null=True, help_text="The charger's time out of service."
    )
    bookings = serializers.ChoiceField(
        closing.Choice.choices,
        write_only=True,
        required=False,
        help_text="What becomes of bookings in that time. Without it they are a refusal.",
    )
    out_of_service = serializers.BooleanField(
        write_only=True, default=False, help_text="Tell the charger too, when it begins and when it ends."
    )
    stop_sessions = serializers.BooleanField(
        write_only=True, default=False, help_text="Stop what charges there, where it begins now."
    )
    seen = serializers.CharField(
        write_only=True,
        required=False,
        max_length=16,
        help_text="From a preview: refused if the bookings are others by now.",
    )

    class Meta:
        model = Closure
        fields = [
            "id",
            "site",
            "evse",
            "kind",
            "starts_at",
            "ends_at",
            "reason",
            "plan",
            "created_at",
            "bookings",
            "out_of_service",
            "stop_sessions",
            "seen",
        ]


class AffectedSerializer(serializers.Serializer):
    booking = serializers.UUIDField(source="booking.pk")
    status = serializers.CharField(source="booking.status")
    starts_at = serializers.DateTimeField(source="booking.starts_at")
    ends_at = serializers.DateTimeField(source="booking.ends_at")
    moves_to = serializers.SerializerMethodField(help_text="The EVSE; null: it would be cancelled.")

    def get_moves_to(self, row) -> str | None:
        return row.target and row.target.public_id


class OutcomeSerializer(serializers.Serializer):
    """What a closure did: the EVSE's closures, one or several pieces, and whose bookings it touched."""

    closures = ClosureSerializer(many=True)
    moved = serializers.ListField(child=serializers.UUIDField())
    cancelled = serializers.ListField(child=serializers.UUIDField())
    stopped = serializers.ListField(child=serializers.UUIDField())
    unreached = serializers.ListField(
        child=serializers.UUIDField(), help_text="Sessions whose charger can't be told to stop them."
    )


class PreviewSerializer(serializers.Serializer):
    preview = serializers.BooleanField()
    seen = serializers.CharField()
    affected = AffectedSerializer(many=True)
    closures = ClosureSerializer(many=True)
    sessions = serializers.ListField(child=serializers.UUIDField())


class ClosureFilter(filters.FilterSet):
    site = filters.CharFilter(field_name="evse__station__site__slug")
    station = filters.CharFilter(field_name="evse__station__identity")
    evse = filters.CharFilter(field_name="evse__public_id", lookup_expr="iexact")
    ends_after = filters.IsoDateTimeFilter(field_name="ends_at", lookup_expr="gt")
    starts_before = filters.IsoDateTimeFilter(field_name="starts_at", lookup_expr="lt")

    class Meta:
        model = Closure
        fields = ["kind"]


class Closures(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, Resource):
    """Deleting one that runs ends it now; one that has not begun is gone."""

    queryset = Closure.objects.select_related("evse__station__site__operator")
    serializer_class = ClosureSerializer
    filterset_class = ClosureFilter
    page_ordering = ("-starts_at", "-pk")
    lookup_value_regex = "[0-9]{1,18}"
    needs = {
        "list": "view_bookings",
        "retrieve": "view_bookings",
        "create": "manage_bookings",
        "destroy": "manage_bookings",
    }

    @extend_schema(
        parameters=[
            OpenApiParameter("preview", bool, description="true: say what would be affected, save nothing.")
        ],
        responses={201: OutcomeSerializer, 200: PreviewSerializer},
    )
    def create(self, request, *args, **kwargs):
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        wish, now = serializer.validated_data, timezone.now()
        evse = wish["evse"]
        starts_at, ends_at = wish.get("starts_at", now), wish["ends_at"]
        if wish["out_of_service"] and not request.access.may_at("command", evse.station.site):
            raise exceptions.PermissionDenied
        try:
            if request.query_params.get("preview", "").lower() in ("1", "true", "yes"):
                return self._preview(
                    closing.preview(evses=[evse], starts_at=starts_at, ends_at=ends_at, now=now)
                )
            done = closing.close(
                evses=[evse],
                starts_at=starts_at,
                ends_at=ends_at,
                now=now,
                reason=wish.get("reason", ""),
                kind=wish.get("kind", Closure.Kind.CLOSURE),
                by=request.user,
                choice=wish.get("bookings", ""),
                seen=wish.get("seen"),
                out_of_service=wish["out_of_service"],
                stop_sessions=wish["stop_sessions"],
            )
        except closing.BookingsInTheWay as refused:
            found = AffectedSerializer(refused.affected, many=True).data
            raise Refused(str(refused), code="bookings", affected=found) from None
        except closing.ClosedAlready as refused:
            shown = ClosureSerializer(refused.closures, many=True, context=self.get_serializer_context())
            raise Refused(str(refused), code="closed", closures=shown.data) from None
        except closing.ClosureRefused as refused:
            raise serializers.ValidationError({"ends_at": [str(refused)]}) from None
        answer = OutcomeSerializer(
            {
                "closures": done.closures,
                "moved": [booking.pk for booking in done.moved],
                "cancelled": [booking.pk for booking in done.cancelled],
                "stopped": [session.pk for session in done.stopped],
                "unreached": [session.pk for session in done.unreached],
            },
            context=self.get_serializer_context(),
        )
        return Response(answer.data, status=status.HTTP_201_CREATED)

    def _preview(self, found: closing.Preview) -> Response:
        answer = {
            "preview": True,
            "seen": found.seen,
            "affected": found.affected,
            "closures": found.closures,
            "sessions": [session.pk for session in found.sessions],
        }
        return Response(PreviewSerializer(answer, context=self.get_serializer_context()).data)

    @extend_schema(responses={204: None})
    def destroy(self, request, pk=None):
        try:
            closing.reopen(closure=self.get_object(), now=timezone.now())
        except closing.ClosureRefused as refused:
            raise Refused(str(refused)) from None
        return Response(status=status.HTTP_204_NO_CONTENT)

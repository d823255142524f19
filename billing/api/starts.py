"""`/api/v1/starts/`: a driver's start, from the button to the session, with their own limits."""

from __future__ import annotations

from decimal import Decimal

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response

from billing import actions
from billing.actions import limiting
from billing.actions.charging import AlreadyCharging
from billing.api.answers import refusals
from billing.limits import Limits
from billing.models import Card, ChargeLimit, Start
from billing.places import own_booking
from evportal.rest.fields import RowField
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource, person
from stations.exceptions import Refused as NotPossible
from stations.models import Evse


def public_evses(_access, _permission):
    return Evse.objects.public().with_station()


class LimitSerializer(serializers.ModelSerializer):
    """How much at most: what is reached first ends the charge. Nothing at all lifts the limit."""

    energy_wh = serializers.DecimalField(
        14, 3, min_value=Decimal(500), max_value=Decimal(1_000_000), required=False, allow_null=True
    )
    money = serializers.DecimalField(
        12, 3, min_value=Decimal(1), max_value=Decimal(999_999), required=False, allow_null=True
    )
    minutes = serializers.IntegerField(min_value=5, max_value=2880, required=False, allow_null=True)
    soc_percent = serializers.IntegerField(min_value=5, max_value=100, required=False, allow_null=True)

    class Meta:
        model = ChargeLimit
        fields = ["energy_wh", "money", "minutes", "soc_percent"]

    @staticmethod
    def limits(given: dict | None) -> Limits:
        return Limits(**(given or {}))


class StartSerializer(serializers.ModelSerializer):
    evse = serializers.CharField(source="evse.public_id", read_only=True)
    limit = LimitSerializer(read_only=True, default=None)
    hold = serializers.DecimalField(12, 3, source="payment.amount", read_only=True, default=None)
    action_url = serializers.CharField(
        source="payment.action_url",
        read_only=True,
        default="",
        help_text="The bank's page, where it wants to ask the driver.",
    )

    class Meta:
        model = Start
        fields = [
            "id", "evse", "state", "problem", "booking", "payment", "hold", "action_url", "session", "limit",
            "created_at", "expires_at",
        ]  # fmt: skip


class NewStartSerializer(serializers.Serializer):
    evse = RowField(name="public_id__iexact", shown="public_id", rows=public_evses)
    card = serializers.IntegerField(required=False, help_text="The default card, where none is named.")
    wallet = serializers.BooleanField(default=False)
    limit = LimitSerializer(required=False)


class Starts(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Start.objects.select_related("evse", "payment", "limit", "session")
    serializer_class = StartSerializer
    page_ordering = ("-created_at", "-pk")
    lookup_value_regex = "[^/]+"
    needs = {"list": "view_ops", "retrieve": "view_ops", "create": "view_ops", "limit": "view_ops"}
    own = frozenset({"list", "retrieve", "create", "limit"})

    @extend_schema(request=NewStartSerializer, responses={201: StartSerializer})
    def create(self, request):
        """Hold the money, then ask the charger. On a fleet's account nothing is held: no card is needed."""
        form = NewStartSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        user = _driver(request)
        given = form.validated_data
        evse = given["evse"]
        cards = Card.objects.of_driver(user)
        card = cards.filter(pk=given["card"]).first() if "card" in given else cards.first()
        if "card" in given and card is None:
            raise serializers.ValidationError({"card": "There is no such card of yours."})
        try:
            row = actions.start_charging(
                user=user,
                evse=evse,
                card=None if given["wallet"] else card,
                from_wallet=given["wallet"],
                # Who has booked the place uses their booking and its hold.
                booking=own_booking(evse, user, timezone.now()),
                by=user,
                wanted=LimitSerializer.limits(given.get("limit")),
            )
        except AlreadyCharging as running:
            raise Refused(str(running), code="charging", session=str(running.session.pk)) from None
        except NotPossible as error:
            raise Refused(str(error)) from None
        return self._answer(row, status.HTTP_201_CREATED)

    @extend_schema(request=LimitSerializer, responses=StartSerializer)
    @action(detail=True, methods=["post"])
    def limit(self, request, pk=None):
        """Another limit for the session that came of it; an empty one lifts it."""
        row = self.get_object()
        user = _driver(request)
        form = LimitSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        if row.user_id != user.pk:
            raise exceptions.PermissionDenied(str(limiting.NotYours()))
        session = row.session
        if session is None:
            raise Refused("It is not charging yet.")
        if not limiting.may_change(session=session, user=user):
            raise exceptions.PermissionDenied(str(limiting.NotYours()))
        with refusals():
            limiting.change(session=session, wanted=LimitSerializer.limits(form.validated_data))
        return self._answer(row, status.HTTP_200_OK)

    def _answer(self, row: Start, code: int) -> Response:
        fresh = self.queryset.all().get(pk=row.pk)
        return Response(self.get_serializer(fresh).data, status=code)


def _driver(request):
    user = person(request)
    if user is None:
        raise exceptions.PermissionDenied("A start is a person's: a key charges nowhere.")
    return user

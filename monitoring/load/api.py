"""`/api/v1/load/<site>/`: a site's limits, who has how much and why; and the building's meter."""

from __future__ import annotations

from decimal import Decimal

from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.response import Response

from evportal.rest.fields import RowField, by_id_or
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource
from monitoring.load import actions, reading, showing, tree
from monitoring.load.models import LoadMember, LoadSite
from stations.models import Evse, Site


def amps_field(**kwargs) -> serializers.DecimalField:
    return serializers.DecimalField(
        max_digits=6, decimal_places=1, max_value=tree.MOST, coerce_to_string=False, **kwargs
    )


class PhasesField(serializers.ListField):
    """[L1, L2, L3] in A."""

    child = amps_field()

    def __init__(self, **kwargs):
        super().__init__(min_length=3, max_length=3, **kwargs)


def evses_of(access, permission):
    return (
        Evse.objects.visible_to(access, permission)
        .select_related("station__site")
        .prefetch_related("connectors")
    )


class LoadGroupSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=60)
    parent = serializers.CharField(
        max_length=60,
        allow_blank=True,
        default="",
        help_text="Another's name; empty: the site's own connection.",
    )
    limit_a = PhasesField()
    draw_a = PhasesField(read_only=True)
    allocated_a = PhasesField(read_only=True)
    headroom_a = PhasesField(read_only=True)


class LoadMemberSerializer(serializers.Serializer):
    evse = RowField(name="public_id__iexact", shown="public_id", rows=evses_of)
    group = serializers.CharField(max_length=60)
    safe_default_a = amps_field(default=Decimal(6), help_text="When contact is lost; 0 or at least 6 A.")
    priority = serializers.ChoiceField(
        choices=LoadMember.Priority.choices, default=LoadMember.Priority.NORMAL.value
    )
    rotation = serializers.ChoiceField(
        choices=LoadMember.Rotation.choices,
        default=LoadMember.Rotation.RST.value,
        help_text="The grid's phases at its L1, L2, L3.",
    )
    draw_a = PhasesField(read_only=True, allow_null=True)
    wants_a = amps_field(read_only=True)
    given_a = amps_field(read_only=True)
    promised_a = amps_field(read_only=True, allow_null=True, help_text="To its booking, now.")
    told_a = amps_field(read_only=True, allow_null=True)
    flag = serializers.CharField(read_only=True, help_text="rejected, ignored, unable, or empty.")
    why = serializers.CharField(read_only=True, help_text="A word; `explanation` says it in a sentence.")
    explanation = serializers.CharField(read_only=True)


class LoadSerializer(serializers.Serializer):
    """PUT takes the whole configuration: what isn't in it is no longer managed."""

    site = serializers.CharField(read_only=True)
    is_active = serializers.BooleanField(read_only=True)
    mode = serializers.ChoiceField(choices=LoadSite.Mode.choices, default=LoadSite.Mode.FAIR.value)
    margin_percent = serializers.DecimalField(
        max_digits=4, decimal_places=1, min_value=0, max_value=50, default=Decimal(5), coerce_to_string=False
    )
    takes_turns = serializers.BooleanField(default=False)
    booked_a = amps_field(
        default=Decimal(16), min_value=Decimal(0), help_text="Where a booking's terms promise no power."
    )
    reserves_booked = serializers.BooleanField(
        default=False, help_text="Promises are kept from the slot's early start on, before the car has come."
    )
    has_meter = serializers.BooleanField(default=False)
    building_safe_a = PhasesField(default=[Decimal(0)] * 3)
    meter_stale_s = serializers.IntegerField(min_value=10, max_value=86400, default=120)
    building_a = PhasesField(read_only=True, help_text="As the plan takes it.")
    building_is_assumed = serializers.BooleanField(read_only=True)
    planned_at = serializers.DateTimeField(read_only=True, allow_null=True)
    groups = LoadGroupSerializer(many=True)
    evses = LoadMemberSerializer(many=True)


class MeterSerializer(serializers.Serializer):
    current_a = PhasesField(help_text="What else draws at this connection, on L1, L2, L3.")
    at = serializers.DateTimeField(required=False, help_text="Without it: now.")


class MeterTakenSerializer(serializers.Serializer):
    taken = serializers.BooleanField(help_text="False for a reading older than the last one.")


def shown(load_site: LoadSite, now) -> dict:
    building, assumed = reading.building_now(load_site, now)

    def tenths(amps):
        return [Decimal(one) / 10 for one in amps]

    groups = []
    for one in showing.groups(load_site):
        group, phases = one["group"], one["phases"]
        groups.append(
            {
                "name": group.name,
                "parent": group.parent.name if group.parent else "",
                "limit_a": group.limit,
                "draw_a": tenths(group.draw or [0, 0, 0]),
                "allocated_a": tenths(group.allocated or [0, 0, 0]),
                "headroom_a": [Decimal(phase["headroom"]) for phase in phases],
            }
        )
    members = [
        {
            "evse": member.evse,
            "group": member.group.name,
            "safe_default_a": member.safe_default_a,
            "priority": member.priority,
            "rotation": member.rotation,
            "draw_a": tenths(member.draw) if member.draw else None,
            "wants_a": member.wants_a,
            "given_a": member.given_a,
            "promised_a": member.promised_a,
            "told_a": member.told_a,
            "flag": member.flag,
            "why": member.why,
            "explanation": showing.why(member, now),
        }
        for member in showing.members(load_site)
    ]
    return {
        "site": load_site.site.slug,
        "is_active": load_site.is_active,
        "mode": load_site.mode,
        "margin_percent": load_site.margin_percent,
        "takes_turns": load_site.takes_turns,
        "booked_a": load_site.booked_a,
        "reserves_booked": load_site.reserves_booked,
        "has_meter": load_site.has_meter,
        "building_safe_a": [
            load_site.building_safe_l1,
            load_site.building_safe_l2,
            load_site.building_safe_l3,
        ],
        "meter_stale_s": load_site.meter_stale_s,
        "building_a": tenths(building),
        "building_is_assumed": assumed,
        "planned_at": load_site.planned_at,
        "groups": groups,
        "evses": members,
    }


class Load(Resource):
    """Found by the site's slug or number."""

    queryset = Site.objects.select_related("operator")
    serializer_class = LoadSerializer
    pagination_class = None
    lookup_value_regex = "[^/]+"
    http_method_names = ["get", "put", "post", "delete", "head", "options"]
    needs = {
        "retrieve": "view_ops",
        "update": "manage_sites",
        "destroy": "manage_sites",
        "meter": "manage_sites",
    }

    def get_object(self) -> Site:
        found = by_id_or(self.get_queryset(), self.kwargs["pk"], "slug")
        if found is None:
            raise Http404
        return found

    def _load_site(self) -> LoadSite:
        found = LoadSite.objects.select_related("site").filter(site=self.get_object()).first()
        if found is None:
            raise Http404
        return found

    @extend_schema(parameters=[SLUG := OpenApiParameter("id", str, OpenApiParameter.PATH)])
    def retrieve(self, request, pk=None):
        return Response(LoadSerializer(shown(self._load_site(), timezone.now())).data)

    @extend_schema(parameters=[SLUG], request=LoadSerializer, responses=LoadSerializer)
    def update(self, request, pk=None):
        site = self.get_object()
        serializer = LoadSerializer(data=request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        settings = actions.Settings(
            groups=[
                actions.GroupWish(one["name"], tuple(one["limit_a"]), one["parent"]) for one in data["groups"]
            ],
            members=[
                actions.MemberWish(
                    one["evse"], one["group"], one["safe_default_a"], one["priority"], one["rotation"]
                )
                for one in data["evses"]
            ],
            building_safe=tuple(data["building_safe_a"]),
            **{
                name: data[name]
                for name in (
                    "mode",
                    "margin_percent",
                    "takes_turns",
                    "booked_a",
                    "reserves_booked",
                    "has_meter",
                    "meter_stale_s",
                )
            },
        )
        try:
            load_site = actions.configure(site=site, settings=settings)
        except actions.BadLimits as refusal:
            raise serializers.ValidationError({"detail": refusal.problems}) from refusal
        return Response(LoadSerializer(shown(load_site, timezone.now())).data)

    @extend_schema(parameters=[SLUG], responses={204: None})
    def destroy(self, request, pk=None):
        """It is managed no longer: chargers are freed of what the plan told them."""
        actions.stop(load_site=self._load_site())
        return Response(status=204)

    @extend_schema(parameters=[SLUG], request=MeterSerializer, responses=MeterTakenSerializer)
    @action(detail=True, methods=["post"])
    def meter(self, request, pk=None):
        """What else draws at the connection, from a meter of the building."""
        load_site = self._load_site()
        serializer = MeterSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        now = timezone.now()
        try:
            taken = actions.building_drew(
                load_site=load_site,
                currents=tuple(serializer.validated_data["current_a"]),
                at=serializer.validated_data.get("at", now),
                now=now,
            )
        except actions.BadLimits as refusal:
            raise Refused(str(refusal)) from refusal
        return Response({"taken": taken})


RESOURCES = {"load": Load}

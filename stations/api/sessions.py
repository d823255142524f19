"""`/api/v1/sessions/`: charges, as chargers reported them."""

from django.db.models import Q
from django_filters import rest_framework as filters
from rest_framework import mixins, serializers

from evportal.rest.filters import TrueFalse
from evportal.rest.resources import Resource
from stations.models import Session, SignedCheck


class SignedCheckSerializer(serializers.ModelSerializer):
    """What the session's signed meter values (OCMF) prove."""

    verdict = serializers.ChoiceField(choices=SignedCheck._meta.get_field("verdict").choices, read_only=True)
    reason = serializers.CharField(read_only=True, help_text="A code; empty where nothing is wrong.")
    notes = serializers.ListField(child=serializers.CharField(), read_only=True)
    start_wh = serializers.FloatField(read_only=True, allow_null=True)
    stop_wh = serializers.FloatField(read_only=True, allow_null=True)

    class Meta:
        model = SignedCheck
        fields = ["verdict", "reason", "detail", "notes", "is_held", "meter_serial", "start_wh", "stop_wh"]


class SessionSerializer(serializers.ModelSerializer):
    """Identities and cards are for the operator's people: a driver sees the EVSE's public id."""

    station = serializers.SerializerMethodField()
    evse = serializers.CharField(source="evse.public_id", read_only=True)
    evse_number = serializers.IntegerField(source="evse.number", read_only=True)
    site = serializers.CharField(source="station.site.slug", read_only=True)
    id_token = serializers.SerializerMethodField()
    energy_wh = serializers.FloatField(read_only=True)
    meter_start_wh = serializers.FloatField(read_only=True, allow_null=True)
    meter_stop_wh = serializers.FloatField(read_only=True, allow_null=True)
    power_w = serializers.FloatField(read_only=True, allow_null=True)
    soc_percent = serializers.FloatField(read_only=True, allow_null=True)
    is_guest = serializers.BooleanField(
        source="user.is_guest", read_only=True, default=False, help_text="Charged without an account."
    )
    signed_check = SignedCheckSerializer(
        read_only=True, allow_null=True, default=None, help_text="None: not signed."
    )

    class Meta:
        model = Session
        fields = [
            "id",
            "transaction_id",
            "station",
            "site",
            "evse",
            "evse_number",
            "connector_number",
            "id_token",
            "is_guest",
            "started_at",
            "stopped_at",
            "stop_reason",
            "energy_wh",
            "power_w",
            "soc_percent",
            "charging_state",
            "meter_start_wh",
            "meter_stop_wh",
            "last_reading_at",
            "review",
            "is_estimated",
            "signed_check",
        ]

    def get_station(self, session) -> str | None:
        access = self.context["request"].access
        return session.station.identity if access.may_at("view_ops", session.station.site) else None

    def get_id_token(self, session) -> str:
        access = self.context["request"].access
        is_mine = session.user_id is not None and session.user_id == access.user_id
        if is_mine or access.may_at("view_drivers", session.station.site):
            return session.token
        return f"…{session.token[-4:]}" if session.token else ""


class SessionFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")
    evse = filters.CharFilter(field_name="evse__public_id", lookup_expr="iexact")
    id_token = filters.CharFilter(method="by_token")
    transaction_id = filters.CharFilter()
    signed = filters.CharFilter(field_name="signed_check__verdict", help_text="The verdict, e.g. `bad`.")
    open = TrueFalse(field_name="stopped_at", lookup_expr="isnull")
    guest = TrueFalse(field_name="user__is_guest", label="Charged without an account.")
    started_after = filters.IsoDateTimeFilter(field_name="started_at", lookup_expr="gte")
    started_before = filters.IsoDateTimeFilter(field_name="started_at", lookup_expr="lt")

    class Meta:
        model = Session
        fields: list[str] = []

    def by_token(self, queryset, _name, token):
        return queryset.filter(Q(token__iexact=token) | Q(id_token__token__iexact=token))


class Sessions(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = Session.objects.select_related("station__site", "evse", "user", "signed_check")
    serializer_class = SessionSerializer
    filterset_class = SessionFilter
    page_ordering = ("-started_at", "-pk")
    lookup_value_regex = "[^/]+"
    needs = {"list": "view_ops", "retrieve": "view_ops"}
    own = frozenset({"list", "retrieve"})

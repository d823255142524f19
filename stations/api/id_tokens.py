"""`/api/v1/id-tokens/`: who may charge with which card."""

from django.db import IntegrityError, transaction
from django.db.models import Q
from django_filters import rest_framework as filters
from rest_framework import mixins, serializers

from evportal.rest.problems import Refused
from evportal.rest.resources import Resource, operator_for
from stations import local_lists
from stations.models import Evse, IdToken, Site


class IdTokenSerializer(serializers.ModelSerializer):
    operator = serializers.SlugField(
        source="operator.slug", required=False, help_text="Needed only by those who work for several."
    )
    token = serializers.CharField(max_length=255)
    sites = serializers.SlugRelatedField(
        slug_field="slug", many=True, required=False, queryset=Site.objects.all(), help_text="Only there."
    )
    evses = serializers.SlugRelatedField(
        slug_field="public_id",
        many=True,
        required=False,
        queryset=Evse.objects.all(),
        help_text="Only there, or there besides the sites.",
    )

    class Meta:
        model = IdToken
        fields = [
            "id",
            "operator",
            "token",
            "type",
            "status",
            "expires_at",
            "group",
            "label",
            "concurrent_allowed",
            "on_local_list",
            "priority",
            "language",
            "second_language",
            "message",
            "sites",
            "evses",
            "created_at",
        ]

    def validate(self, data):
        """Places are the operator's own; another's look as if they weren't there."""
        request = self.context["request"]
        allowed = Site.objects.visible_to(request.access, "manage_tokens")
        owner = getattr(self.instance, "operator_id", None)
        for site in {*data.get("sites", []), *(evse.station.site for evse in data.get("evses", []))}:
            if not allowed.filter(pk=site.pk).exists() or owner not in (None, site.operator_id):
                raise serializers.ValidationError({"sites": "There is no such place among yours."})
        return data


class IdTokenChangeSerializer(IdTokenSerializer):
    """A token's own characters stay: sessions were started with them."""

    operator = serializers.SlugField(source="operator.slug", read_only=True)
    token = serializers.CharField(read_only=True)


class IdTokenFilter(filters.FilterSet):
    token = filters.CharFilter(field_name="token", lookup_expr="iexact")

    class Meta:
        model = IdToken
        fields = ["token", "status", "type", "group", "on_local_list"]


class IdTokens(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    Resource,
):
    queryset = IdToken.objects.select_related("operator").with_places()
    filterset_class = IdTokenFilter
    http_method_names = ["get", "post", "patch"]
    needs = {
        "list": "view_drivers",
        "retrieve": "view_drivers",
        "create": "manage_tokens",
        "partial_update": "manage_tokens",
    }
    own = frozenset({"list", "retrieve"})

    def get_serializer_class(self):
        return IdTokenChangeSerializer if self.action == "partial_update" else IdTokenSerializer

    def get_queryset(self):
        rows = super().get_queryset()
        person = getattr(self.request.access, "user_id", None) if self.action in self.own else None
        if person is None:
            return rows
        visible = IdToken.objects.visible_to(self.request.access, self.permission).values("pk")
        return self.queryset.filter(Q(pk__in=visible) | Q(user_id=person))

    def perform_create(self, serializer):
        slug = serializer.validated_data.pop("operator", {}).get("slug", "")
        operator = operator_for(self.request, self.permission, slug)
        known = IdToken.objects.for_token(operator.pk, serializer.validated_data["token"])
        try:
            with transaction.atomic():
                if not known.exists():
                    row = serializer.save(operator=operator)
                    local_lists.tokens_changed(operator_id=row.operator_id)
                    return
        except IntegrityError:
            pass  # Somebody else entered it in this moment.
        raise Refused("This token is known already; change it with PATCH.", code="exists", id=known.get().pk)

    def perform_update(self, serializer):
        with transaction.atomic():
            row = serializer.save()
            local_lists.tokens_changed(operator_id=row.operator_id)

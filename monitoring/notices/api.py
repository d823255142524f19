"""`/api/v1/teams/` and `/api/v1/alert-policies/`: who is told of which alerts, and when nobody acknowledges.

What is written goes through the same forms as on the pages, so the same is refused.
"""

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.response import Response

from evportal.rest.resources import Resource, operator_for
from monitoring.models import Kind, Severity
from monitoring.notices.forms import STEPS, PolicyForm, TeamForm
from monitoring.notices.models import Policy, Team, TeamChannel


class TeamChannelSerializer(serializers.ModelSerializer):
    """Its address is as good as a key: only what people may see of it. Added on the page."""

    class Meta:
        model = TeamChannel
        fields = ["id", "kind", "shown", "failing_since", "disabled_at", "disabled_reason"]
        read_only_fields = fields


class TeamSerializer(serializers.ModelSerializer):
    operator = serializers.CharField(source="operator.slug", read_only=True)
    members = serializers.SerializerMethodField(help_text="E-mail addresses.")
    channels = TeamChannelSerializer(many=True, read_only=True)

    class Meta:
        model = Team
        fields = ["id", "operator", "name", "members", "channels"]

    def get_members(self, team) -> list[str]:
        return sorted(member.user.email for member in team.members.all())


class TeamWishSerializer(serializers.Serializer):
    operator = serializers.CharField(required=False)
    name = serializers.CharField(max_length=60)
    members = serializers.ListField(child=serializers.EmailField(), required=False, max_length=500)


class EscalationStepSerializer(serializers.Serializer):
    after_minutes = serializers.IntegerField(min_value=0, max_value=7 * 24 * 60)
    team = serializers.IntegerField(source="team_id", min_value=1, max_value=2**62)


class PolicySerializer(serializers.ModelSerializer):
    operator = serializers.CharField(source="operator.slug", read_only=True)
    sites = serializers.SlugRelatedField("slug", many=True, read_only=True)
    steps = EscalationStepSerializer(many=True, read_only=True)

    class Meta:
        model = Policy
        fields = ["id", "operator", "name", "severities", "kinds", "sites", "is_active", "steps"]


class PolicyWishSerializer(serializers.Serializer):
    operator = serializers.CharField(required=False)
    name = serializers.CharField(max_length=60)
    severities = serializers.MultipleChoiceField(choices=Severity.choices, required=False)
    kinds = serializers.MultipleChoiceField(choices=Kind.choices, required=False)
    sites = serializers.ListField(child=serializers.CharField(), required=False, max_length=1000)
    is_active = serializers.BooleanField(required=False, default=True)
    steps = EscalationStepSerializer(many=True, allow_empty=False, max_length=STEPS)


class OfOperator(mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, Resource):
    """Lists, and what is written by a form of the pages."""

    wish_class: type[serializers.Serializer]
    form_class: type
    page_ordering = ("name", "pk")
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    needs = {
        "list": "view_alerts",
        "retrieve": "view_alerts",
        "create": "manage_sites",
        "partial_update": "manage_sites",
        "destroy": "manage_sites",
    }

    def _wish(self, partial=False) -> dict:
        wish = self.wish_class(data=self.request.data, partial=partial)
        wish.is_valid(raise_exception=True)
        return dict(wish.validated_data)

    def _saved(self, operator, data: dict, row=None):
        form = self.form_class(data, instance=row, operator=operator)
        if not form.is_valid():
            raise serializers.ValidationError(
                {"detail" if name == "__all__" else name: errors for name, errors in form.errors.items()}
            )
        return self.serializer_class(self.queryset.all().get(pk=form.save().pk)).data

    def create(self, request):
        wish = self._wish()
        operator = operator_for(request, self.permission, wish.pop("operator", ""))
        return Response(self._saved(operator, self.as_form(operator, wish)), status=status.HTTP_201_CREATED)

    def partial_update(self, request, pk=None):
        row, wish = self.get_object(), self._wish(partial=True)
        wish.pop("operator", None)
        data = self.as_form(row.operator, self.as_wish(row) | wish)
        return Response(self._saved(row.operator, data, row))


class Teams(OfOperator):
    queryset = Team.objects.select_related("operator").prefetch_related("members__user", "channels")
    serializer_class = TeamSerializer
    wish_class = TeamWishSerializer
    form_class = TeamForm

    def as_wish(self, team) -> dict:
        return {"name": team.name, "members": [member.user.email for member in team.members.all()]}

    def as_form(self, operator, wish: dict) -> dict:
        wanted = [email.lower() for email in wish.get("members", [])]
        choices = TeamForm(operator=operator).fields["members"].queryset
        known = {member.user.email.lower(): member.pk for member in choices}
        if strangers := sorted(set(wanted) - set(known)):
            raise serializers.ValidationError(
                {"members": [f"Nobody there who may see alerts is {email}." for email in strangers]}
            )
        return {"name": wish["name"], "members": [known[email] for email in wanted]}

    @extend_schema(request=TeamWishSerializer, responses={201: TeamSerializer})
    def create(self, request):
        return super().create(request)

    @extend_schema(request=TeamWishSerializer, responses=TeamSerializer)
    def partial_update(self, request, pk=None):
        return super().partial_update(request, pk)


class Policies(OfOperator):
    queryset = Policy.objects.select_related("operator").prefetch_related("steps", "sites")
    serializer_class = PolicySerializer
    wish_class = PolicyWishSerializer
    form_class = PolicyForm

    def as_wish(self, policy) -> dict:
        return {
            "name": policy.name,
            "severities": policy.severities,
            "kinds": policy.kinds,
            "sites": [site.slug for site in policy.sites.all()],
            "is_active": policy.is_active,
            "steps": list(policy.steps.values("after_minutes", "team_id")),
        }

    def as_form(self, operator, wish: dict) -> dict:
        wanted = set(wish.get("sites", []))
        known = {site.slug: site.pk for site in operator.sites.filter(slug__in=wanted)}
        if strangers := sorted(wanted - set(known)):
            raise serializers.ValidationError(
                {"sites": [f"There is no site “{slug}”." for slug in strangers]}
            )
        data = {
            "name": wish["name"],
            "severities": sorted(wish.get("severities", [])),
            "kinds": sorted(wish.get("kinds", [])),
            "sites": sorted(known.values()),
            "is_active": wish.get("is_active", True),
        }
        for n, step in enumerate(wish["steps"], start=1):
            data |= {f"team_{n}": step["team_id"], f"after_{n}": step["after_minutes"]}
        return data

    @extend_schema(request=PolicyWishSerializer, responses={201: PolicySerializer})
    def create(self, request):
        return super().create(request)

    @extend_schema(request=PolicyWishSerializer, responses=PolicySerializer)
    def partial_update(self, request, pk=None):
        return super().partial_update(request, pk)


RESOURCES = {"teams": Teams, "alert-policies": Policies}

"""`/api/v1/plans/` and `/api/v1/subscriptions/`: what drivers can subscribe to, and their own."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response

from billing import parties
from billing.actions import subscriptions
from billing.api.answers import refusals
from billing.models import Plan, Subscription
from evportal.rest.resources import Resource, person


class PlanSerializer(serializers.ModelSerializer):
    operator = serializers.CharField(source="operator.slug", read_only=True)
    sites = serializers.SlugRelatedField(
        slug_field="slug", many=True, read_only=True, help_text="Where it counts; everywhere if empty."
    )
    group = serializers.CharField(read_only=True, help_text="What tariffs name its prices by.")
    fee = serializers.DecimalField(9, 3, source="newest.fee", read_only=True, help_text="A month, with VAT.")
    your_fee = serializers.SerializerMethodField(
        help_text="A month, as you would be charged: without VAT where you owe it yourself."
    )
    currency = serializers.CharField(source="newest.currency", read_only=True)
    included_kwh = serializers.DecimalField(8, 3, source="newest.included_kwh", read_only=True)

    class Meta:
        model = Plan
        fields = [
            "id", "operator", "name", "text", "group", "fee", "your_fee", "currency", "included_kwh", "sites",
            "least_months", "on_sale_from", "on_sale_until",
        ]  # fmt: skip

    def get_your_fee(self, plan) -> str | None:
        user = person(self.context["request"])
        if user is None or plan.newest is None:
            return None
        known = self.context.setdefault("vat_categories", {})
        if plan.operator_id not in known:
            known[plan.operator_id] = parties.plan_category(user, plan.operator)
        return f"{plan.newest.fee_for(known[plan.operator_id]):.3f}"


class SubscriptionSerializer(serializers.ModelSerializer):
    plan = serializers.PrimaryKeyRelatedField(queryset=Plan.objects.all())
    operator = serializers.CharField(source="operator.slug", read_only=True)
    user = serializers.EmailField(source="user.email", read_only=True, default=None)
    fee = serializers.DecimalField(9, 3, read_only=True, help_text="A month, as it is charged.")
    vat_category = serializers.CharField(read_only=True, help_text="S: with VAT; AE: reverse charge.")
    currency = serializers.CharField(source="version.currency", read_only=True)
    included_wh = serializers.DecimalField(
        14, 3, source="period.included_wh", read_only=True, default=None, help_text="In the current period."
    )
    used_wh = serializers.DecimalField(14, 3, source="period.used_wh", read_only=True, default=None)

    class Meta:
        model = Subscription
        fields = [
            "id", "plan", "operator", "user", "state", "fee", "vat_category", "currency", "started_at",
            "period_start", "period_end", "ends_at", "ended_at", "included_wh", "used_wh",
        ]  # fmt: skip
        read_only_fields = ["state", "started_at", "period_start", "period_end", "ends_at", "ended_at"]


class BegunSerializer(SubscriptionSerializer):
    url = serializers.CharField(read_only=True, help_text="Where the driver pays.")

    class Meta(SubscriptionSerializer.Meta):
        fields = [*SubscriptionSerializer.Meta.fields, "url"]


class Plans(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """Plans on sale, for any person; an operator's key sees all of its own."""

    queryset = Plan.objects.select_related("operator").prefetch_related("sites")
    serializer_class = PlanSerializer
    page_ordering = ("-pk",)
    needs = {"list": "view_money", "retrieve": "view_money"}
    own = frozenset({"list", "retrieve"})

    def get_queryset(self):
        rows = super().get_queryset()
        if getattr(self, "swagger_fake_view", False) or self.request.access.user_id is None:
            return rows
        return (rows | self.queryset.on_sale(timezone.now())).distinct()


class Subscriptions(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """A driver's own plans; an operator's key sees its drivers'."""

    queryset = Subscription.objects.with_plan().select_related("operator")
    serializer_class = SubscriptionSerializer
    page_ordering = ("-created_at", "-pk")
    needs = dict.fromkeys(["list", "retrieve", "create", "cancel", "go_on"], "view_money")
    own = frozenset({"list", "retrieve", "create", "cancel", "go_on"})

    @extend_schema(request=SubscriptionSerializer, responses={201: BegunSerializer})
    def create(self, request):
        """Begin one: the answer has the address of the page where it is paid."""
        form = SubscriptionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        with refusals():
            row, url = subscriptions.subscribe(
                user=_driver(request),
                plan=form.validated_data["plan"],
                now=timezone.now(),
            )
        row.url = url
        return Response(BegunSerializer(row).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses=SubscriptionSerializer)
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk=None):
        """It ends with its period, or once its least months are over."""
        return self._own(request, subscriptions.cancel)

    @extend_schema(request=None, responses=SubscriptionSerializer)
    @action(detail=True, methods=["post"], url_path="go-on")
    def go_on(self, request, pk=None):
        """Take that back."""
        return self._own(request, subscriptions.go_on)

    def _own(self, request, step) -> Response:
        row, user = self.get_object(), _driver(request)
        if row.user_id != user.pk:
            raise exceptions.PermissionDenied("A plan is its driver's to end.")
        with refusals():
            step(row=row, now=timezone.now())
        return Response(SubscriptionSerializer(row).data)


def _driver(request):
    user = person(request)
    if user is None:
        raise exceptions.PermissionDenied("A plan is a person's: a key has none.")
    return user

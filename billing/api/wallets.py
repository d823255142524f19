"""`/api/v1/wallets/`: prepaid money, and the page on which a driver pays in."""

from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.response import Response

from billing import actions
from billing.api.answers import refusals
from billing.models import LedgerAccount
from evportal.accounts.models import Operator
from evportal.rest.resources import Resource, person


class WalletSerializer(serializers.ModelSerializer):
    operator = serializers.CharField(source="operator.slug", read_only=True)
    user = serializers.EmailField(source="user.email", read_only=True, default=None)

    class Meta:
        model = LedgerAccount
        fields = ["id", "operator", "user", "currency", "balance"]


class TopUpSerializer(serializers.Serializer):
    operator = serializers.SlugRelatedField(slug_field="slug", queryset=Operator.objects.all())
    amount = serializers.DecimalField(12, 3)
    id = serializers.UUIDField(read_only=True)
    state = serializers.CharField(read_only=True)
    url = serializers.CharField(read_only=True, help_text="Where the driver pays.")


class Wallets(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    """What drivers have paid in and not spent; reserved amounts are out of the balance."""

    queryset = LedgerAccount.objects.filter(code=LedgerAccount.Code.WALLET).select_related("operator", "user")
    serializer_class = WalletSerializer
    page_ordering = ("-pk",)
    needs = {"list": "view_money", "retrieve": "view_money", "top_up": "view_money"}
    own = frozenset({"list", "retrieve", "top_up"})

    @extend_schema(request=TopUpSerializer, responses={201: TopUpSerializer})
    @action(detail=False, methods=["post"], url_path="top-up")
    def top_up(self, request):
        form = TopUpSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        user = person(request)
        if user is None:
            raise exceptions.PermissionDenied("A wallet is a person's: a key has none.")
        with refusals():
            row, url = actions.top_up(user=user, **form.validated_data)
        said = {"operator": row.operator, "amount": row.amount, "id": row.pk, "state": row.state, "url": url}
        return Response(TopUpSerializer(said).data, status=status.HTTP_201_CREATED)

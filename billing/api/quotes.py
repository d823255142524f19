"""`/api/v1/quotes/`: what a charge will cost, by the tariff that its bill will keep to."""

from datetime import timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language
from rest_framework import mixins, serializers

from billing import price_words, prices
from billing.exceptions import NoTariff
from billing.models import Quote
from evportal.rest.fields import RowField
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource, person
from stations.models import Evse

LONGEST = timedelta(days=7)
FARTHEST = timedelta(days=366)


def priced_evses(access, permission):
    """The public's EVSEs, and those of the caller's operator."""
    visible = Q(pk__in=Evse.objects.visible_to(access, permission).values("pk"))
    return Evse.objects.filter(visible | Q(pk__in=Evse.objects.public().values("pk"))).with_station()


class LinesField(serializers.ListField):
    """A bill's lines as they are kept, with what people read said in the language that was asked for."""

    def to_representation(self, data):
        say = price_words.of_lines(get_language() or "en")
        return [line | {"description": say(line["description"])} for line in super().to_representation(data)]


class QuoteSerializer(serializers.ModelSerializer):
    evse = RowField(name="public_id__iexact", shown="public_id", rows=priced_evses)
    energy_wh = serializers.FloatField(min_value=0, max_value=10_000_000, required=False)
    tariff = serializers.CharField(source="version.tariff.name", read_only=True)
    tariff_version = serializers.IntegerField(source="version.number", read_only=True)
    lines = LinesField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = Quote
        fields = [
            "id",
            "evse",
            "starts_at",
            "ends_at",
            "energy_wh",
            "tariff",
            "tariff_version",
            "currency",
            "lines",
            "net",
            "tax",
            "gross",
            "hold_amount",
            "created_at",
        ]
        read_only_fields = ["currency", "net", "tax", "gross", "hold_amount", "created_at"]

    def validate(self, fields):
        if not timedelta(0) < fields["ends_at"] - fields["starts_at"] <= LONGEST:
            raise serializers.ValidationError({"ends_at": "The end must be after the start, within a week."})
        if abs(fields["starts_at"] - timezone.now()) > FARTHEST:
            raise serializers.ValidationError({"starts_at": "That is too far from now."})
        return fields


class Quotes(mixins.RetrieveModelMixin, mixins.CreateModelMixin, Resource):
    queryset = Quote.objects.select_related("evse__station__site", "version__tariff")
    serializer_class = QuoteSerializer
    lookup_value_regex = "[^/]+"
    needs = {"retrieve": "view_ops", "create": "view_ops"}
    own = frozenset({"retrieve", "create"})

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset.none()
        access = self.request.access
        visible = Q(evse__in=Evse.objects.visible_to(access, self.permission))
        if access.user_id is not None:
            visible |= Q(user_id=access.user_id)
        return self.queryset.filter(visible)

    def perform_create(self, serializer):
        try:
            serializer.instance = prices.quote(
                user=person(self.request), now=timezone.now(), **serializer.validated_data
            )
        except NoTariff as error:
            raise Refused(str(error), code="no_tariff") from None

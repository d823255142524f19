"""`/api/v1/meter-keys/`: the public keys with which meters' signed values are checked."""

from django.http import Http404
from django_filters import rest_framework as filters
from rest_framework import mixins, serializers

from evportal.rest.fields import by_id_or
from evportal.rest.resources import Resource, person
from stations import signed_checks
from stations.models import Evse, MeterKey
from stations.ocmf import keys


class MeterKeySerializer(serializers.ModelSerializer):
    """Entering a key, or confirming one that the charger told, makes it the EVSE's only one in use."""

    evse = serializers.CharField(source="evse.public_id", help_text="Its id or its public id.")
    key = serializers.CharField(
        max_length=keys.LONGEST, help_text="DER, PEM or a point of the curve, in hex or Base64."
    )
    status = serializers.ChoiceField(choices=MeterKey.Status.choices, read_only=True)

    class Meta:
        model = MeterKey
        fields = ["id", "evse", "key", "curve", "fingerprint", "status", "note", "created_at"]
        read_only_fields = ["curve", "fingerprint"]

    def validate_key(self, text):
        try:
            keys.read(text)
        except keys.Unreadable as problem:
            raise serializers.ValidationError(str(problem)) from problem
        return text


class MeterKeyChangeSerializer(MeterKeySerializer):
    """Only whether it is believed can change, and the note."""

    evse = serializers.CharField(source="evse.public_id", read_only=True)
    key = serializers.CharField(read_only=True)
    status = serializers.ChoiceField(
        choices=[MeterKey.Status.TRUSTED, MeterKey.Status.RETIRED], required=False
    )


class MeterKeyFilter(filters.FilterSet):
    evse = filters.CharFilter(field_name="evse__public_id", lookup_expr="iexact")
    station = filters.CharFilter(field_name="evse__station__identity")

    class Meta:
        model = MeterKey
        fields = ["status"]


class MeterKeys(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    Resource,
):
    queryset = MeterKey.objects.select_related("evse")
    filterset_class = MeterKeyFilter
    http_method_names = ["get", "post", "patch"]
    page_ordering = ("-created_at", "-pk")
    needs = {
        "list": "view_ops",
        "retrieve": "view_ops",
        "create": "manage_stations",
        "partial_update": "manage_stations",
    }

    def get_serializer_class(self):
        return MeterKeyChangeSerializer if self.action == "partial_update" else MeterKeySerializer

    def perform_create(self, serializer):
        said = serializer.validated_data
        mine = Evse.objects.filter(self.request.access.sites(self.permission, "station__site"))
        evse = by_id_or(mine, said["evse"]["public_id"], "public_id__iexact")
        if evse is None:
            raise Http404
        serializer.instance = signed_checks.enter_key(
            evse=evse, text=said["key"], note=said.get("note", ""), by=person(self.request)
        )

    def perform_update(self, serializer):
        status = serializer.validated_data.pop("status", None)
        key = serializer.save()
        if status == MeterKey.Status.TRUSTED:
            signed_checks.confirm_key(key=key, by=person(self.request))
        elif status == MeterKey.Status.RETIRED:
            signed_checks.retire_key(key=key, by=person(self.request))

"""`/api/v1/charging-profiles/`: profiles by name; a profile's id is the chargingProfileId on the wire."""

from rest_framework import mixins, serializers

from evportal.rest.fields import JSONField
from evportal.rest.resources import Resource, operator_for
from stations import profiles
from stations.models import ChargingProfile


class ChargingProfileSerializer(serializers.ModelSerializer):
    operator = serializers.SlugField(
        source="operator.slug", required=False, help_text="Needed only by those who work for several."
    )
    profile = JSONField(help_text="A ChargingProfile of OCPP 1.6 or 2.x; its number is given by us.")
    versions = serializers.SerializerMethodField(help_text="The versions whose chargers take it.")

    class Meta:
        model = ChargingProfile
        fields = ["id", "operator", "description", "profile", "versions", "created_at"]

    def get_versions(self, row) -> list[str]:
        return profiles.versions(row.profile)

    def validate_profile(self, profile):
        if wrong := profiles.problem(profile):
            raise serializers.ValidationError(wrong)
        return profiles.bare(profile)

    def to_representation(self, row):
        shown = super().to_representation(row)
        return shown | {"profile": profiles.numbered(row.profile, row.pk)}


class ChargingProfiles(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    Resource,
):
    queryset = ChargingProfile.objects.select_related("operator")
    serializer_class = ChargingProfileSerializer
    http_method_names = ["get", "post", "patch", "delete"]
    needs = {
        "list": "view_ops",
        "retrieve": "view_ops",
        "create": "manage_stations",
        "partial_update": "manage_stations",
        "destroy": "manage_stations",
    }

    def perform_create(self, serializer):
        slug = serializer.validated_data.pop("operator", {}).get("slug", "")
        serializer.save(operator=operator_for(self.request, self.permission, slug))

    def perform_update(self, serializer):
        serializer.validated_data.pop("operator", None)
        serializer.save()

"""`/api/v1/sites/`: the places where chargers stand."""

from django.http import Http404
from django.utils.text import slugify
from rest_framework import mixins, serializers

from evportal.rest.fields import by_id_or
from evportal.rest.problems import Refused
from evportal.rest.resources import Resource, operator_for
from stations import registry
from stations.models import Site


class SiteSerializer(serializers.ModelSerializer):
    operator = serializers.SlugField(
        source="operator.slug", required=False, help_text="Needed only by those who work for several."
    )
    slug = serializers.SlugField(required=False, help_text="Made from the name where none is given.")

    class Meta:
        model = Site
        fields = [
            "id",
            "operator",
            "slug",
            "name",
            "street",
            "postcode",
            "city",
            "country",
            "latitude",
            "longitude",
            "time_zone",
            "directions",
            "opening_hours",
            "is_public",
            "has_accessible_bay",
            "grid_limit_w",
            "without_card",
            "takes_payment",
            "static_codes",
            "created_at",
        ]

    def validate_slug(self, slug):
        if slug.isdecimal():
            raise serializers.ValidationError("Digits alone would be taken for a site's number.")
        others = Site.objects.filter(slug=slug)
        if self.instance:
            others = others.exclude(pk=self.instance.pk)
        if others.exists():
            raise serializers.ValidationError("This slug is taken.")
        return slug


class Sites(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    Resource,
):
    """Found by number or by slug."""

    queryset = Site.objects.select_related("operator")
    serializer_class = SiteSerializer
    lookup_value_regex = "[^/]+"
    http_method_names = ["get", "post", "patch", "delete"]
    needs = {
        "list": "view_ops",
        "retrieve": "view_ops",
        "create": "manage_sites",
        "partial_update": "manage_sites",
        "destroy": "manage_sites",
    }

    def get_object(self):
        found = by_id_or(self.get_queryset(), self.kwargs["pk"], "slug")
        if found is None:
            raise Http404
        return found

    def perform_create(self, serializer):
        slug = serializer.validated_data.pop("operator", {}).get("slug", "")
        operator = operator_for(self.request, self.permission, slug)
        fields = serializer.validated_data
        fields.setdefault("slug", free_slug(fields["name"]))
        serializer.save(operator=operator)

    def perform_update(self, serializer):
        # A site's sessions and invoices are its operator's: it can't be handed on.
        serializer.validated_data.pop("operator", None)
        serializer.save()

    def perform_destroy(self, site):
        try:
            registry.remove(row=site)
        except registry.StillNeeded:
            raise Refused(
                "There are chargers at this site, or invoices for it: it can't be deleted."
            ) from None


def free_slug(name: str) -> str:
    stem = slugify(name)[:40] or "site"
    if stem.isdecimal():
        stem = f"site-{stem}"
    taken = set(Site.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    return (
        stem
        if stem not in taken
        else next(slug for number in range(2, len(taken) + 3) if (slug := f"{stem}-{number}") not in taken)
    )

"""`/api/v1/configuration/`, its templates and runs: settings as text, in one shape for all versions."""

from __future__ import annotations

import time
from datetime import timedelta

from django.db import connection
from django_filters import rest_framework as filters
from rest_framework import mixins, serializers

from evportal.accounts.models import ApiKey, User
from evportal.rest.fields import JSONField
from evportal.rest.filters import TrueFalse
from evportal.rest.resources import Resource, operator_for
from stations.configuration import passwords, profiles, runs, templates
from stations.models import ConfigurationRun, ConfigurationTemplate, Setting, Station

LONGEST_KEPT = 7 * 24 * 3600


class SettingSerializer(serializers.ModelSerializer):
    station = serializers.CharField(source="station.identity", read_only=True)

    class Meta:
        model = Setting
        fields = [
            "station",
            "path",
            "component",
            "instance",
            "evse",
            "connector",
            "variable",
            "variable_instance",
            "attribute",
            "value",
            "mutability",
            "is_constant",
            "is_persistent",
            "data_type",
            "unit",
            "minimum",
            "maximum",
            "choices",
            "read_at",
            "refusal",
            "refused_value",
            "tried_at",
        ]


class SettingFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")
    path = filters.CharFilter()

    class Meta:
        model = Setting
        fields = ["station", "path", "component", "variable", "mutability"]


class Configuration(mixins.ListModelMixin, Resource):
    """What chargers told of their settings."""

    queryset = Setting.objects.select_related("station")
    serializer_class = SettingSerializer
    filterset_class = SettingFilter
    page_ordering = "pk"
    needs = {"list": "view_messages"}


class RunSerializer(serializers.ModelSerializer):
    station = serializers.CharField(source="station.identity", read_only=True)
    results = serializers.DictField(
        read_only=True, help_text="By path: what was wanted, and the charger's word."
    )

    class Meta:
        model = ConfigurationRun
        fields = [
            "id",
            "station",
            "kind",
            "status",
            "results",
            "reboot_required",
            "problem",
            "bulk",
            "reason",
            "created_at",
            "finished_at",
        ]


class RunFilter(filters.FilterSet):
    station = filters.CharFilter(field_name="station__identity")

    class Meta:
        model = ConfigurationRun
        fields = ["station", "kind", "status", "bulk"]


class ConfigurationRuns(mixins.ListModelMixin, mixins.RetrieveModelMixin, Resource):
    queryset = ConfigurationRun.objects.select_related("station")
    serializer_class = RunSerializer
    filterset_class = RunFilter
    page_ordering = "-pk"
    needs = {"list": "view_messages", "retrieve": "view_messages"}


class TemplateSerializer(serializers.ModelSerializer):
    operator = serializers.SlugField(
        source="operator.slug", required=False, help_text="Needed only by those who work for several."
    )
    values = JSONField(help_text="By path, each value as text.")

    class Meta:
        model = ConfigurationTemplate
        fields = [
            "id",
            "operator",
            "name",
            "protocol",
            "vendor",
            "model",
            "firmware",
            "position",
            "values",
            "is_active",
            "changed_at",
        ]

    def validate(self, fields):
        def of(name):
            return fields.get(name, getattr(self.instance, name, None))

        protocol = of("protocol") or ConfigurationTemplate.Protocol.OCPP_16
        if wrong := templates.problem(protocol, of("values")):
            raise serializers.ValidationError({"values": [wrong]})
        fields["values"] = templates.normal(protocol, of("values"))
        return fields


class TemplateFilter(filters.FilterSet):
    is_active = TrueFalse()

    class Meta:
        model = ConfigurationTemplate
        fields = ["protocol", "vendor", "model", "is_active"]


class ConfigurationTemplates(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    Resource,
):
    queryset = ConfigurationTemplate.objects.select_related("operator")
    serializer_class = TemplateSerializer
    filterset_class = TemplateFilter
    page_ordering = "pk"
    http_method_names = ["get", "post", "patch", "delete"]
    needs = {
        "list": "view_messages",
        "retrieve": "view_messages",
        "create": "manage_stations",
        "partial_update": "manage_stations",
        "destroy": "manage_stations",
    }

    def perform_create(self, serializer):
        slug = serializer.validated_data.pop("operator", {}).get("slug", "")
        operator = operator_for(self.request, self.permission, slug)
        self._check_name(operator, serializer.validated_data["name"])
        serializer.save(operator=operator)

    def perform_update(self, serializer):
        serializer.validated_data.pop("operator", None)
        row = serializer.instance
        self._check_name(row.operator, serializer.validated_data.get("name", row.name), row.pk)
        serializer.save()

    def _check_name(self, operator, name: str, pk: int | None = None) -> None:
        if operator.configuration_templates.filter(name=name).exclude(pk=pk).exists():
            raise serializers.ValidationError({"name": ["There is a template of this name already."]})


class SettingsWishSerializer(serializers.Serializer):
    """One thing to do with a charger's settings."""

    values = JSONField(required=False, help_text="Settings by path, each value as text.")
    read = serializers.BooleanField(required=False, help_text="Read all settings.")
    components = serializers.ListField(
        child=serializers.CharField(max_length=50),
        required=False,
        max_length=500,
        help_text="OCPP 2.x: read all that these components have.",
    )
    apply_templates = serializers.BooleanField(required=False)
    again = serializers.BooleanField(
        default=False, help_text="With apply_templates: also what was refused before."
    )
    new_password = serializers.BooleanField(
        required=False, help_text="A random one; nobody but the charger sees it."
    )
    security_profile = serializers.IntegerField(required=False, min_value=2, max_value=3)
    keep_for = serializers.IntegerField(
        default=0,
        min_value=0,
        max_value=LONGEST_KEPT,
        help_text="Seconds for which it may wait for a charger that is offline.",
    )

    KINDS = ("values", "read", "components", "apply_templates", "new_password", "security_profile")

    def validate(self, fields):
        chosen = [name for name in self.KINDS if fields.get(name)]
        if len(chosen) != 1:
            raise serializers.ValidationError(f"Give one of {', '.join(self.KINDS)}.")
        protocol = templates.protocol(self.context["station"].ocpp_version)
        if chosen == ["values"] and (wrong := templates.problem(protocol, fields["values"])):
            raise serializers.ValidationError({"values": [wrong]})
        return fields | {"kind": chosen[0]}

    @property
    def needs_management(self) -> bool:
        return self.validated_data["kind"] in ("new_password", "security_profile")

    def start(self, station: Station, by: User | ApiKey) -> ConfigurationRun:
        wish = self.validated_data
        more: dict = {"station": station, "by": by}
        if wish["kind"] == "new_password":
            return passwords.rotate(**more)
        if wish["kind"] == "security_profile":
            return profiles.upgrade(profile=wish["security_profile"], **more)
        more["keep_for"] = timedelta(seconds=wish["keep_for"]) if wish["keep_for"] else None
        if wish["kind"] == "read":
            return runs.read(**more)
        if wish["kind"] == "components":
            return runs.read_components(components=wish["components"], **more)
        if wish["kind"] == "values":
            return runs.write(values=wish["values"], **more)
        run = runs.apply_templates(again=wish["again"], **more)
        if run is None:
            raise runs.CantBeSet("Nothing differs that could be set.")
        return run


def wait(run: ConfigurationRun, seconds: float) -> ConfigurationRun:
    """Hold on until the run is over, or for so long."""
    until, pause = time.monotonic() + seconds, 0.05
    run.refresh_from_db()
    while not run.is_over and (left := until - time.monotonic()) > 0:
        if not connection.in_atomic_block:
            # Web processes share a pool of connections: who waits must not keep one from those who work.
            connection.close()
        time.sleep(min(pause, left))
        pause = min(pause * 1.5, 0.5)
        run.refresh_from_db()
    return run

"""What the OpenAPI document says beyond what the views themselves tell."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema as Base
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="A repeat with the same key gets the first answer again, for a day.",
)

PROBLEM = inline_serializer(
    "Problem",
    {
        "type": serializers.CharField(),
        "title": serializers.CharField(),
        "status": serializers.IntegerField(),
        "detail": serializers.CharField(),
        "code": serializers.CharField(required=False),
        "errors": serializers.DictField(required=False),
        "request_id": serializers.CharField(required=False),
    },
)

REFUSALS = {
    "400": "What was sent can't be used.",
    "401": "No valid key or session.",
    "403": "The role does not allow it.",
    "404": "There is no such thing here.",
    "409": "Something stands in the way.",
}


class AutoSchema(Base):
    """Adds the header that nearly every POST honours, and the problem documents."""

    def get_override_parameters(self):
        is_kept = getattr(self.view, "action", None) not in getattr(self.view, "not_kept", ())
        return [IDEMPOTENCY_KEY] if self.method == "POST" and is_kept else []

    def _get_response_bodies(self, direction="response"):
        found = super()._get_response_bodies(direction)
        for status, words in REFUSALS.items():
            found.setdefault(
                status,
                self._get_response_for_code(
                    OpenApiResponse(PROBLEM, words), status, ["application/problem+json"], direction
                ),
            )
        return found


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "evportal.accounts.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer", "description": "A key of one operator and one role."}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = "evportal.accounts.authentication.PersonAuthentication"
    name = "session"

    def get_security_definition(self, auto_schema):
        from django.conf import settings

        return {"type": "apiKey", "in": "cookie", "name": settings.SESSION_COOKIE_NAME}

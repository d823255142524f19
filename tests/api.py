"""Machines that call the API."""

from urllib.parse import quote

from rest_framework.test import APIClient

from evportal.accounts.models import ApiKey, Operator

ROOT = "/api/v1/"


class Caller(APIClient):
    """`api.get("stations/")`: addresses are below /api/v1/, what is sent is JSON."""

    def generic(self, method, path, *args, **kwargs):
        is_whole = path.startswith(("/", "http"))
        return super().generic(method, path if is_whole else ROOT + path, *args, **kwargs)


def caller(*, operator: Operator, role: str = "manager") -> Caller:
    """With a key of that role."""
    key, _row = ApiKey.issue(operator=operator, role=role, name="tests")
    client = Caller(raise_request_exception=True)
    client.default_format = "json"
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


def as_person(user) -> Caller:
    """With the session of somebody signed in."""
    client = Caller()
    client.default_format = "json"
    client.force_login(user)
    return client


def station_path(identity: str, rest: str = "") -> str:
    return f"stations/{quote(identity, safe='')}/{rest}"

"""Certificates and roots by the API."""

import pytest
from django.utils import timezone

from evportal.accounts.models import ApiKey
from stations.certificates import issuing
from stations.models import Certificate
from tests import make
from tests.stations.certificates import papers

pytestmark = pytest.mark.django_db


@pytest.fixture
def station():
    return make.station(identity="CP-1")


@pytest.fixture
def api(client, station):
    key, _row = ApiKey.issue(operator=station.site.operator, role="manager", name="key")

    def send(method, path, data=None):
        headers = {"authorization": f"Bearer {key}"}
        more = {} if method == "get" else {"content_type": "application/json"}
        return getattr(client, method)(f"/api/v1/{path}", data, headers=headers, **more)

    return send


def test_listed_and_revoked(api, station):
    row = issuing.request(station=station, csr=papers.csr("CP-1"), received_at=timezone.now())
    issuing.sign(row.pk)
    issuing.request(station=station, csr="no", received_at=timezone.now())
    listed = api("get", "certificates/", {"station": "CP-1", "status": "sent"}).json()["results"]
    assert [each["id"] for each in listed] == [row.pk]
    assert listed[0]["certificate_chain"].count("BEGIN CERTIFICATE") == 2
    assert "csr" not in listed[0]
    assert api("get", "certificates/", {"expires_before": "2026-01-01T00:00:00Z"}).json()["results"] == []
    assert api("post", f"certificates/{row.pk}/revoke/", {"reason": "whim"}).status_code == 400
    revoked = api("post", f"certificates/{row.pk}/revoke/", {"reason": "keyCompromise"}).json()
    assert revoked["revoked_at"] and revoked["revocation_reason"] == "keyCompromise"
    again = api("post", f"certificates/{row.pk}/revoke/")
    assert (again.status_code, again.json()["code"]) == (409, "not_revocable")
    refused = Certificate.objects.get(status="refused")
    assert api("post", f"certificates/{refused.pk}/revoke/").status_code == 409


def test_roots(api):
    pem = papers.pem(papers.Issuer("MO").certificate)
    body = {"kind": "MORootCertificate", "name": "MO", "certificate": pem}
    made = api("post", "root-certificates/", body)
    assert made.status_code == 201 and made.json()["subject"] == "CN=MO"
    for wrong in (body, body | {"certificate": "x"}, body | {"kind": "Root"}, {"name": "MO"}):
        assert api("post", "root-certificates/", wrong).status_code == 400
    [listed] = api("get", "root-certificates/", {"kind": "MORootCertificate"}).json()["results"]
    assert listed == made.json()
    assert api("delete", f"root-certificates/{listed['id']}/").status_code == 204
    assert api("get", "root-certificates/").json()["results"] == []

"""Teams, policies and photos of jobs by the API: the same rules as on the pages."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from evportal.accounts.models import ApiKey
from monitoring.models import Policy, Team
from monitoring.work import actions
from tests import make

pytestmark = pytest.mark.django_db
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 40


@pytest.fixture
def site():
    return make.site()


@pytest.fixture
def ask(client, site):
    key, _row = ApiKey.issue(operator=site.operator, role="manager", name="k")

    def asked(method, path, data=None):
        words = {"headers": {"authorization": f"Bearer {key}"}, "content_type": "application/json"}
        return getattr(client, method)(f"/api/v1/{path}", data, **words)

    return asked


def test_teams(ask, site):
    eve = make.member(operator=site.operator, role="technician")
    stranger = make.member(operator=make.operator())
    made = ask("post", "teams/", {"name": "Night", "members": [eve.email.upper()]})
    assert made.status_code == 201 and made.json()["members"] == [eve.email], made.content
    for wrong, field in [
        ({"name": "Night"}, "name"),
        ({"name": ""}, "name"),
        ({"name": "Day", "members": [stranger.email]}, "members"),
        ({"name": "Day", "members": ["no address"]}, "members"),
        ({"members": [eve.email]}, "name"),
    ]:
        refused = ask("post", "teams/", wrong)
        assert refused.status_code == 400 and field in refused.json()["errors"], wrong
    url = f"teams/{made.json()['id']}/"
    # What isn't in a change stays.
    assert ask("patch", url, {"name": "Late"}).json()["members"] == [eve.email]
    assert ask("patch", url, {"members": []}).json()["members"] == []
    assert ask("get", "teams/").json()["results"][0]["name"] == "Late"
    assert ask("delete", url).status_code == 204 and not Team.objects.exists()


def test_policies(ask, site):
    first, second = (Team.objects.create(operator=site.operator, name=name) for name in "ab")
    theirs = Team.objects.create(operator=make.operator(), name="theirs")
    wish = {
        "name": "Critical",
        "severities": ["critical"],
        "sites": [site.slug],
        "steps": [{"after_minutes": 0, "team": first.pk}, {"after_minutes": 30, "team": second.pk}],
    }
    made = ask("post", "alert-policies/", wish)
    assert made.status_code == 201, made.content
    assert {name: made.json()[name] for name in wish} == wish and made.json()["is_active"] is True
    url = f"alert-policies/{made.json()['id']}/"
    kept = Policy.objects.get().steps.first().pk
    changed = ask("patch", url, {"is_active": False, "steps": wish["steps"][:1]})
    assert changed.json()["sites"] == [site.slug] and len(changed.json()["steps"]) == 1
    # A step that stays is the same: nobody is told again.
    assert Policy.objects.get().steps.get().pk == kept
    for wrong in (
        {"steps": []},
        {"steps": [{"after_minutes": 0, "team": theirs.pk}]},
        {"steps": [{"after_minutes": -1, "team": first.pk}]},
        {"steps": wish["steps"] * 3},
        {"sites": [make.site().slug]},
        {"kinds": ["love"]},
        {"name": ""},
    ):
        assert ask("patch", url, wrong).status_code == 400, wrong
    assert Policy.objects.get().steps.get().pk == kept
    assert ask("delete", url).status_code == 204


def test_photos_of_a_job(client, ask, site):
    job = actions.create(site=site, title="Paint", now=make.NOON)
    key, _row = ApiKey.issue(operator=site.operator, role="technician", name="t")
    words = {"headers": {"authorization": f"Bearer {key}"}}
    url = f"/api/v1/work-orders/{job.pk}/photos/"
    for wrong, status in [
        ({}, 400),
        ({"file": SimpleUploadedFile("a.jpg", b"<script>")}, 409),
        ({"file": SimpleUploadedFile("a.jpg", b"")}, 409),
    ]:
        assert client.post(url, wrong, **words).status_code == status
    # Larger than any other body may be.
    large = JPEG + b"\0" * 3 * 1024 * 1024
    made = client.post(url, {"file": SimpleUploadedFile("a.jpg", large)}, **words)
    assert made.status_code == 201, made.content
    [photo] = made.json()["photos"]
    answer = client.get(f"{url}{photo['id']}/", **words)
    assert b"".join(answer) == large and answer["Content-Disposition"].startswith("attachment")
    other = actions.create(site=site, title="Other", now=make.NOON)
    assert client.get(f"/api/v1/work-orders/{other.pk}/photos/{photo['id']}/", **words).status_code == 404

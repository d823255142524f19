"""`/api/v1/closures/`: who is affected is said before it is saved; and the same in the admin."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from bookings.models import Booking, Claim, Closure
from evportal.accounts.models import ApiKey
from stations.models import AvailabilityPlan
from tests import make

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
Status = Booking.Status


@pytest.fixture(autouse=True)
def _no_second_factor(settings):
    settings.STAFF_MFA_REQUIRED = False


@pytest.fixture
def site():
    return make.site()


def place(site, **fields):
    return make.evse(
        station=make.station(site=site, connection=uuid4(), node="tests"), state="available", **fields
    )


@pytest.fixture
def api(client, site):
    key, _row = ApiKey.issue(operator=site.operator, role="manager", name="test")

    def call(method, url, data=None, **headers):
        return getattr(client, method)(
            f"/api/v1/closures/{url}",
            data,
            content_type="application/json",
            headers={"authorization": f"Bearer {key}", **headers},
        )

    return call


def soon(hours=2):
    return timezone.now().replace(minute=0, second=0, microsecond=0) + hours * HOUR


def booked(evse, hours=3):
    return make.booking(evse=evse, starts_at=soon(hours), now=timezone.now())


def wish(place, **more):
    return {
        "evse": place.public_id,
        "starts_at": soon(2).isoformat(),
        "ends_at": soon(6).isoformat(),
        "reason": "New cables",
        **more,
    }


def fresh(row):
    return type(row).objects.get(pk=row.pk)


def test_preview_refusal_and_deed(api, site):
    evse, other = place(site), place(site)
    first, second = booked(evse, 3), booked(evse, 4)
    booked(other, 4)
    seen = api("post", "?preview=true", wish(evse))
    assert seen.status_code == 200
    answer = seen.json()
    assert [(row["booking"], row["moves_to"]) for row in answer["affected"]] == [
        (str(first.pk), other.public_id),
        (str(second.pk), None),
    ]
    refused = api("post", "", wish(evse))
    assert (refused.status_code, refused.json()["code"]) == (409, "bookings")
    assert len(refused.json()["affected"]) == 2
    assert not Closure.objects.exists()
    done = api("post", "", wish(evse, bookings="move", seen=answer["seen"]))
    assert done.status_code == 201, done.content
    body = done.json()
    assert (body["moved"], body["cancelled"]) == ([str(first.pk)], [str(second.pk)])
    [closure] = body["closures"]
    assert (closure["evse"], closure["reason"]) == (evse.public_id, "New cables")
    assert [row["id"] for row in api("get", "").json()["results"]] == [closure["id"]]
    assert api("delete", f"{closure['id']}/").status_code == 204
    assert not Closure.objects.exists() and fresh(first).evse == other


def test_a_stale_preview_is_refused(api, site):
    evse = place(site)
    seen = api("post", "?preview=true", wish(evse)).json()["seen"]
    booking = booked(evse)
    again = api("post", "", wish(evse, bookings="cancel", seen=seen))
    assert (again.status_code, again.json()["code"]) == (409, "bookings")
    assert fresh(booking).status == Status.RESERVED


def test_twice_is_once(api, site):
    evse = place(site)
    answers = [api("post", "", wish(evse), **{"idempotency-key": "4711"}) for _twice in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert Closure.objects.count() == 1
    without = api("post", "", wish(evse))
    assert (without.status_code, without.json()["code"]) == (409, "closed")
    assert len(without.json()["closures"]) == 1


def test_out_of_service_too(api, site, django_capture_on_commit_callbacks):
    evse = place(site)
    with django_capture_on_commit_callbacks(execute=True):
        body = api("post", "", wish(evse, out_of_service=True)).json()
    plan = AvailabilityPlan.objects.get()
    assert body["closures"][0]["id"] == Closure.objects.get(plan=plan).pk
    with django_capture_on_commit_callbacks(execute=True):
        api("delete", f"{body['closures'][0]['id']}/")
    assert fresh(plan).state == "cancelled" and not Closure.objects.exists()


def test_bad_input_changes_nothing(api, site):
    evse, theirs = place(site), place(make.site())
    for more, field in [
        ({"ends_at": soon(1).isoformat()}, "ends_at"),
        ({"starts_at": soon(-5).isoformat()}, "ends_at"),
        ({"ends_at": (soon() + timedelta(days=500)).isoformat()}, "ends_at"),
        ({"evse": theirs.public_id}, "evse"),
        ({"bookings": "guess"}, "bookings"),
        ({"kind": "other"}, "kind"),
        ({"ends_at": "soon"}, "ends_at"),
    ]:
        response = api("post", "", wish(evse, **more))
        assert (response.status_code, list(response.json()["errors"])) == (400, [field]), more
    assert not Closure.objects.exists()


# The admin


@pytest.fixture
def desk(client, site):
    client.force_login(make.member(operator=site.operator, role="manager"))
    return client


def close_in_admin(desk, evse, **more):
    start, end = (timezone.localtime(soon(hours)) for hours in (2, 6))
    fields = {
        "evse": evse.pk,
        "kind": "closure",
        "starts_at_0": f"{start:%Y-%m-%d}",
        "starts_at_1": f"{start:%H:%M:%S}",
        "ends_at_0": f"{end:%Y-%m-%d}",
        "ends_at_1": f"{end:%H:%M:%S}",
        "reason": "New cables",
    }
    return desk.post(reverse("admin:bookings_closure_add"), fields | more)


def test_the_admin_shows_who_is_affected_before_it_saves(desk, site):
    evse, other = place(site), place(site)
    booking = booked(evse)
    first = close_in_admin(desk, evse)
    assert first.status_code == 200
    text = first.content.decode()
    assert "Say what becomes of them" in text and other.station.name in text
    assert not Closure.objects.exists() and fresh(booking).evse == evse
    assert close_in_admin(desk, evse, choice="move").status_code == 302
    assert fresh(booking).evse == other
    closure = Closure.objects.get()
    delete = reverse("admin:bookings_closure_delete", args=[closure.pk])
    assert desk.post(delete, {"post": "yes"}).status_code == 302
    assert not Closure.objects.exists() and not Claim.objects.filter(evse=evse).exists()


def act(desk, action, *bookings, **more):
    data = {"action": action, "_selected_action": [str(booking.pk) for booking in bookings], **more}
    return desk.post(reverse("admin:bookings_booking_changelist"), data)


def test_many_are_cancelled_after_a_page_that_counts_them(desk, site):
    evse = place(site)
    mine = [booked(evse, 3), booked(evse, 4)]
    theirs = booked(place(make.site()))
    asked = act(desk, "cancel_chosen", *mine, theirs)
    assert "2 bookings will be cancelled" in asked.content.decode()
    assert fresh(mine[0]).status == Status.RESERVED
    act(desk, "cancel_chosen", *mine, theirs, agreed="1", why="Flood")
    assert [fresh(each).status for each in mine] == [Status.CANCELED] * 2
    assert fresh(theirs).status == Status.RESERVED


def test_many_are_moved_where_they_can_be(desk, site):
    evse, other = place(site), place(site)
    first, second = booked(evse, 3), booked(evse, 4)
    stuck = booked(other, 4)
    asked = act(desk, "move_chosen", first, second, stuck).content.decode()
    assert "1 booking will be moved" in asked and "2 stay where they are" in asked
    act(desk, "move_chosen", first, second, stuck, agreed="1")
    assert fresh(first).evse == other
    assert (fresh(second).evse, fresh(stuck).evse) == (evse, other)


def test_who_only_looks_finds_no_actions(client, site):
    client.force_login(make.member(operator=site.operator, role="technician"))
    booking = booked(place(site))
    act(client, "cancel_chosen", booking, agreed="1")
    assert fresh(booking).status == Status.RESERVED
    claims = client.get(reverse("admin:bookings_claim_changelist"))
    assert booking.evse.public_id in claims.content.decode()

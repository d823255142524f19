"""Jobs: from an alert to the cause in the record of outages; on the phone and by the API."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from evportal.accounts.models import ApiKey
from monitoring.models import Alert, Outage, OutageChange, WorkOrder
from monitoring.work import actions, pictures
from tests import make

NOON = make.NOON
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 40


def later(minutes):
    return NOON + timedelta(minutes=minutes)


@pytest.fixture
def evse(db):
    return make.evse()


@pytest.fixture
def technician(evse):
    site = evse.station.site
    return make.member(operator=site.operator, role="technician", sites=[site])


@pytest.fixture
def alert(evse):
    return Alert.objects.create(
        site=evse.station.site,
        station=evse.station,
        kind="fault",
        cause=f"fault:evse:{evse.pk}",
        severity="critical",
        title="Charger 1: GroundFailure",
        opened_at=NOON,
        last_seen_at=NOON,
    )


def test_an_alert_becomes_one_job(alert, evse, technician):
    job = actions.from_alert(alert=alert, by=technician, now=NOON)
    assert actions.from_alert(alert=alert, by=technician, now=later(1)) == job
    assert (job.evse, job.priority, job.title) == (evse, WorkOrder.Priority.URGENT, alert.title)
    assert job.checklist.count() == 4


def test_closing_writes_the_cause_of_its_outages(alert, evse, technician):
    observed = Outage.objects.create(evse=evse, begins_at=later(-3), cause="faulted")
    reported = Outage.objects.create(evse=evse, begins_at=later(5), cause="reported", is_observed=False)
    said = Outage.objects.create(
        evse=evse, begins_at=later(-50), ends_at=later(-40), cause="offline", note="Known"
    )
    old = Outage.objects.create(evse=evse, begins_at=later(-900), ends_at=later(-800), cause="offline")
    other = Outage.objects.create(evse=make.evse(), begins_at=NOON, cause="offline")
    job = actions.from_alert(alert=alert, by=technician, now=NOON)
    with pytest.raises(actions.WorkRefused):
        actions.close(order=job, cause="  ", by=technician, now=later(60))
    actions.close(order=job, cause="Cable cut", exclusion="vandalism", by=technician, now=later(60))
    for row in (observed, reported):
        row.refresh_from_db()
        assert row.exclusion == "vandalism" and row.note == f"Job {job.pk}: Cable cut"
    assert reported.ends_at == later(60) and observed.ends_at is None
    for row, note in ((said, "Known"), (old, ""), (other, "")):
        row.refresh_from_db()
        assert row.note == note and row.exclusion == ""
    assert set(OutageChange.objects.values_list("by", flat=True)) == {technician.pk}
    with pytest.raises(actions.WorkRefused):
        actions.close(order=job, cause="Again", by=technician, now=later(61))


def test_kinds_of_pictures():
    webp = b"RIFF\0\0\0\0WEBPVP8 "
    heic = b"\0\0\0\x18ftypheic"
    png = b"\x89PNG\r\n\x1a\n"
    found = [pictures.kind_of(head) for head in (JPEG, png, webp, heic, b"<svg>", b"GIF89a", b"")]
    assert found == ["jpg", "png", "webp", "heic", None, None, None]


def test_the_technician_s_walk(client, alert, evse, technician, settings, tmp_path):
    client.force_login(technician)
    scanned = client.get(reverse("field:today"), {"q": f"https://x.example/c/{evse.public_id}/"})
    assert scanned["Location"] == reverse("field:charger", args=[evse.station_id])
    page = client.get(scanned["Location"]).content.decode()
    for verb in ("restart", "unlock", "start", "close"):
        assert reverse("ops:charger_do", args=[evse.station_id, verb]) in page
        assert client.get(reverse("ops:charger_do", args=[evse.station_id, verb])).status_code == 200
    response = client.post(reverse("ops:work_from_alert", args=[alert.pk]))
    job = WorkOrder.objects.get()
    url = reverse("field:job", args=[job.pk])
    assert response["Location"] == url
    client.post(url, {"what": "start"})
    item = job.checklist.first()
    client.post(url, {"what": "tick", "item": item.pk, "done": "1"})
    client.post(url, {"what": "note", "text": "Fuse was out"})
    client.post(url, {"what": "part", "name": "Fuse", "quantity": "2"})
    bad = SimpleUploadedFile("a.jpg", b"<script>", content_type="image/jpeg")
    assert client.post(url, {"what": "photo", "file": bad}).status_code == 422
    client.post(url, {"what": "photo", "file": SimpleUploadedFile("a.jpg", JPEG)})
    photo = client.get(reverse("field:photo", args=[job.photos.get().pk]))
    assert photo["Content-Disposition"].startswith("attachment") and b"".join(photo) == JPEG
    assert client.post(url, {"what": "close", "cause": ""}).status_code == 422
    assert client.post(url, {"what": "part", "name": "Fuse", "quantity": "x"}).status_code == 422
    client.post(url, {"what": "close", "cause": "Fuse"})
    job.refresh_from_db()
    assert (job.status, job.assignee, job.cause) == ("done", technician, "Fuse")
    page = client.get(url).content.decode()
    assert "Fuse was out" in page and "2 × Fuse" in page
    assert client.get(reverse("ops:work_orders") + "?tab=closed").status_code == 200


def test_a_photo_has_a_size_it_may_have(alert, technician, monkeypatch):
    job = actions.from_alert(alert=alert, now=NOON)
    monkeypatch.setattr(pictures, "MOST_BYTES", 30)
    with pytest.raises(actions.WorkRefused):
        actions.add_photo(order=job, file=SimpleUploadedFile("a", JPEG), by=technician, now=NOON)
    assert not job.photos.exists()


def test_what_a_phone_hands_in_counts_once(client, alert, technician):
    job = actions.from_alert(alert=alert, now=NOON)
    client.force_login(technician)
    url = reverse("field:job", args=[job.pk])
    now = timezone.now()

    def hand_in(key, **fields):
        entry = {"key": key, "entered_at": (now - timedelta(hours=3)).isoformat()} | fields
        return client.post(url, entry, headers={"accept": "application/json"})

    keys = [str(uuid4()) for _n in range(4)]
    item = job.checklist.first()
    for _again in range(3):
        assert hand_in(keys[0], what="note", text="Fuse was out").json() == {"stored": True}
        assert hand_in(keys[1], what="tick", item=item.pk, done="1").status_code == 200
        photo = SimpleUploadedFile("a.jpg", JPEG)
        assert hand_in(keys[2], what="photo", file=photo).status_code == 200
    assert (job.notes.count(), job.photos.count()) == (1, 1)
    item.refresh_from_db()
    # By the phone's word, for it was without a network; the desk's clock where it can't be so.
    assert item.done_at == job.notes.get().at == now - timedelta(hours=3)
    # Ticked off again at the desk: the late repeat doesn't bring it back.
    client.post(url, {"what": "tick", "item": item.pk, "done": "0"})
    hand_in(keys[1], what="tick", item=item.pk, done="1")
    item.refresh_from_db()
    assert item.done_at is None
    for wrong in (now + timedelta(days=1), now - timedelta(days=400)):
        hand_in(str(uuid4()), what="note", text="Clock", entered_at=wrong.isoformat())
    assert {note.at > now for note in job.notes.filter(text="Clock")} == {True}
    # The same key of somebody else is another entry.
    client.force_login(make.member(operator=job.site.operator, role="manager"))
    assert hand_in(keys[0], what="note", text="Mine").status_code == 200
    assert job.notes.filter(text="Mine").count() == 1


def test_what_a_phone_hands_in_and_is_refused_is_said_and_may_come_again(client, alert, technician):
    job = actions.from_alert(alert=alert, now=NOON)
    client.force_login(technician)
    url, key = reverse("field:job", args=[job.pk]), str(uuid4())
    json = {"accept": "application/json"}
    refused = client.post(url, {"key": key, "what": "note", "text": " "}, headers=json)
    assert refused.status_code == 422 and refused.json()["problem"] == "Write something first."
    for nonsense in ({"key": "x"}, {"key": str(uuid4()), "entered_at": "2026-13-45T00:00:00Z"}):
        entry = {"what": "note", "text": "x"} | nonsense
        assert client.post(url, entry, headers=json).status_code == 422
    assert not job.notes.exists()
    assert client.post(url, {"key": key, "what": "note", "text": "Now"}, headers=json).status_code == 200
    actions.close(order=job, cause="Fuse", by=technician, now=timezone.now())
    item = job.checklist.first()
    late = {"key": str(uuid4()), "what": "tick", "item": item.pk, "done": "1"}
    assert client.post(url, late, headers=json).json()["problem"] == "This job is closed."
    client.force_login(make.member(operator=job.site.operator, role="support"))
    answer = client.post(url, {"key": str(uuid4()), "what": "note", "text": "x"}, headers=json)
    assert answer.status_code == 403 and "may not" in answer.json()["problem"]
    assert job.notes.count() == 1


def test_several_photos_at_once(client, alert, technician):
    job = actions.from_alert(alert=alert, now=NOON)
    client.force_login(technician)
    url = reverse("field:job", args=[job.pk])
    good = SimpleUploadedFile("a.jpg", JPEG)
    bad = SimpleUploadedFile("b.jpg", b"<script>")
    assert client.post(url, {"what": "photo", "file": [good, bad]}).status_code == 422
    assert not job.photos.exists()
    two = [SimpleUploadedFile(f"{n}.jpg", JPEG) for n in range(2)]
    assert client.post(url, {"what": "photo", "file": two}).status_code == 302
    assert job.photos.count() == 2


def test_a_note_from_the_charger_s_page_opens_a_visit(client, evse, technician):
    client.force_login(technician)
    url = reverse("field:visit", args=[evse.station_id])
    first, second = client.post(url, {"what": "note"}), client.post(url, {"what": "photo"})
    job = WorkOrder.objects.get()
    assert first["Location"].endswith(f"/{job.pk}/#note") and second["Location"].endswith(f"/{job.pk}/#photo")


def test_by_the_api(client, alert, evse, technician):
    key, _row = ApiKey.issue(operator=evse.station.site.operator, role="manager", name="k")
    ask = {"headers": {"authorization": f"Bearer {key}"}, "content_type": "application/json"}
    made = client.post("/api/v1/work-orders/", {"alert": alert.pk}, **ask)
    assert made.status_code == 201, made.content
    url = f"/api/v1/work-orders/{made.json()['id']}/"
    assert client.patch(url, {"assignee": "nobody@example.com"}, **ask).status_code == 400
    changed = client.patch(url, {"assignee": technician.email, "status": "in_progress"}, **ask).json()
    assert (changed["assignee"], changed["status"]) == (technician.email, "in_progress")
    Outage.objects.create(evse=evse, begins_at=NOON, cause="faulted")
    assert client.post(f"{url}close/", {}, **ask).status_code == 400
    assert client.post(f"{url}close/", {"cause": "Fuse"}, **ask).json()["status"] == "done"
    assert client.post(f"{url}close/", {"cause": "Fuse"}, **ask).status_code == 409
    assert client.post("/api/v1/work-orders/", {"title": "Paint"}, **ask).status_code == 400
    mine = client.post("/api/v1/work-orders/", {"title": "Paint", "site": alert.site.slug}, **ask)
    assert mine.status_code == 201
    snooze = {"until": "2020-01-01T00:00:00Z", "reason": "x"}
    assert client.post(f"/api/v1/alerts/{alert.pk}/snooze/", snooze, **ask).status_code == 409
    assigned = client.post(f"/api/v1/alerts/{alert.pk}/assign/", {"to": technician.email}, **ask)
    assert assigned.json()["assigned_to"] == technician.email
    closed = client.post(f"/api/v1/alerts/{alert.pk}/resolve/", {"reason": "ok"}, **ask).json()
    assert closed["resolved_reason"] == "ok"

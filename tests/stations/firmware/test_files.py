"""The addresses under which stations fetch and leave files: over real HTTP, and by who should not."""

import secrets
import time
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from django.core.cache import cache
from django.utils import timezone

from evportal.accounts.models import ApiKey
from stations import logs
from stations.files import tickets
from stations.models import FileTicket, FirmwareImage, LogRequest
from tests import make

CONTENT = secrets.token_bytes(700_000)


@pytest.fixture(autouse=True)
def _quiet(settings, door):
    cache.clear()
    settings.PUBLIC_URL = door.http


@pytest.fixture
def station():
    return make.station(ocpp_version="2.0.1", vendor="Vendor", model="Model")


@pytest.fixture
def address(station):
    image = make.firmware_image(operator=station.site.operator, content=CONTENT, version="2.0.0")
    day = timezone.now() + timedelta(days=1)
    return tickets.for_firmware(image=image, station=station, expires_at=day)


@pytest.fixture
def wanted(station):
    return logs.request(station=station, retries=1)


@pytest.fixture
def place(wanted):
    return tickets.for_upload(request=wanted, expires_at=wanted.expires_at)


def once_counted(least: int) -> FileTicket:
    """The ticket, when what went out has been written down: that is after the last byte has gone."""
    for _attempt in range(200):
        ticket = FileTicket.objects.get()
        if ticket.bytes_moved >= least:
            break
        time.sleep(0.02)
    return ticket


def expire():
    FileTicket.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


# Firmware


def test_the_whole_file(address):
    answer = httpx.get(address)
    assert answer.status_code == 200 and answer.content == CONTENT
    assert answer.headers["content-length"] == "700000"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="2.0.0.bin"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"] == f'"{sha256(CONTENT).hexdigest()}"'
    assert address.endswith("/2.0.0.bin")


def test_a_download_goes_on_where_it_broke_off(address):
    first = httpx.get(address, headers={"Range": "bytes=0-299999"})
    assert first.status_code == 206 and first.headers["content-range"] == "bytes 0-299999/700000"
    rest = httpx.get(address, headers={"Range": "bytes=300000-", "If-Range": first.headers["etag"]})
    assert rest.status_code == 206 and first.content + rest.content == CONTENT
    other = httpx.get(address, headers={"Range": "bytes=300000-", "If-Range": '"another"'})
    assert other.status_code == 200 and other.content == CONTENT
    beyond = httpx.get(address, headers={"Range": "bytes=700000-"})
    assert beyond.status_code == 416 and beyond.headers["content-range"] == "bytes */700000"


def test_downloads_are_counted(address):
    httpx.get(address, headers={"Range": "bytes=0-9"})
    httpx.get(address)
    assert httpx.head(address).headers["content-length"] == "700000"
    ticket = once_counted(700_010)
    assert (ticket.uses, ticket.last_address) == (2, "127.0.0.1")
    assert ticket.bytes_moved == 700_010


def test_a_charger_that_hangs_up_is_counted_by_what_went_out(address):
    with httpx.stream("GET", address) as answer:
        next(answer.iter_bytes(1000))
    assert 0 < once_counted(1).bytes_moved <= 700_000


def test_an_address_ends(address):
    expire()
    assert httpx.get(address).status_code == 404


def test_the_token_is_the_right_and_only_its_hash_is_kept(address):
    token = address.split("/")[-2]
    assert len(token) == 43
    assert not FileTicket.objects.filter(token_hash__contains=token).exists()
    wrong = address.replace(token, secrets.token_urlsafe(32))
    assert httpx.get(wrong).status_code == 404
    assert httpx.get(address.replace(token, FileTicket.objects.get().token_hash)).status_code == 404


def test_guessing_is_slowed_down_and_the_right_token_is_not(address):
    wrong = address.replace(address.split("/")[-2], "x" * 43)
    answers = {httpx.get(wrong).status_code for _attempt in range(32)}
    assert answers == {404, 429}
    assert httpx.get(address, headers={"Range": "bytes=0-0"}).status_code == 206


def test_one_address_can_not_be_asked_without_end(address):
    with httpx.Client() as client:
        first = {client.head(address).status_code for _attempt in range(240)}
        assert first == {200}
        assert client.head(address).status_code == 429


def test_firmware_is_only_fetched(address, place):
    assert httpx.put(address, content=b"x").status_code == 405
    assert httpx.get(place).status_code == 405
    upload_token = place.rstrip("/").split("/")[-1]
    assert httpx.get(address.replace(address.split("/")[-2], upload_token)).status_code == 404
    token = address.split("/")[-2]
    assert httpx.put(place.replace(upload_token, token), content=b"x").status_code == 404


def test_no_address_serves_the_storage_itself(address, door):
    name = FirmwareImage.objects.get().file.name
    for url in (f"/media/{name}", f"/static/{name}", f"/private/{name}", f"/files/{name}"):
        assert httpx.get(door.http + url).status_code == 404
    assert name.startswith("firmware/") and "2.0.0" not in name


# Logs


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("as_form", [False, True])
@pytest.mark.parametrize("end", ["", "own.log"])
def test_a_file_is_left(place, wanted, method, as_form, end):
    body = {"files": {"logfile": ("../form.log", CONTENT)}} if as_form else {"content": CONTENT}
    answer = httpx.request(method, place + end, **body)
    assert answer.status_code == 201, answer.text
    wanted.refresh_from_db()
    assert wanted.state == "uploaded" and wanted.file.read() == CONTENT
    assert (wanted.size, wanted.sha256) == (len(CONTENT), sha256(CONTENT).hexdigest())
    expected = end or ("form.log" if as_form else f"log-{wanted.pk}.bin")
    assert wanted.name == expected


def test_without_its_last_stroke_and_in_chunks(place, wanted):
    answer = httpx.put(place.rstrip("/"), content=(piece for piece in [b"a" * 1000, b"b" * 1000]))
    assert answer.status_code == 201
    wanted.refresh_from_db()
    assert wanted.size == 2000


def test_only_as_often_as_it_may_be_retried(place, wanted):
    assert httpx.put(place, content=b"first").status_code == 201
    former = LogRequest.objects.get().file
    assert httpx.put(place, content=b"second").status_code == 201
    assert httpx.put(place, content=b"third").status_code == 409
    wanted.refresh_from_db()
    assert wanted.file.read() == b"second"
    assert not former.storage.exists(former.name), "the replaced file is gone"


def test_too_much(place, wanted, settings):
    settings.LOG_MAX_MB = 1
    with_length = httpx.put(place, content=b"x" * (3 * 1024 * 1024))
    assert with_length.status_code == 413
    in_chunks = httpx.put(place, content=(b"x" * 100_000 for _piece in range(12)))
    assert in_chunks.status_code == 413
    wanted.refresh_from_db()
    assert not wanted.file
    # Nothing of it stays on the disk either.
    folder = Path(wanted.file.storage.path("logs"))
    assert not folder.exists() or not [each for each in folder.iterdir() if each.stat().st_size > 900_000]


def test_a_body_for_nobody_is_not_read(door):
    large = b"x" * (2 * 1024 * 1024)
    assert httpx.put(f"{door.http}/files/upload/{'x' * 43}/", content=large).status_code == 413
    assert httpx.put(f"{door.http}/files/upload/{'x' * 43}/", content=b"small").status_code == 404


@pytest.mark.parametrize("body", [{"files": {"field": (None, "text")}}, {"content": b""}])
def test_nothing_is_no_file(place, wanted, body):
    assert httpx.post(place, **body).status_code == 400
    wanted.refresh_from_db()
    assert not wanted.file


def test_after_its_time_and_after_a_cancellation(place, wanted):
    LogRequest.objects.update(state="cancelled")
    assert httpx.put(place, content=b"x").status_code == 409
    expire()
    assert httpx.put(place, content=b"x").status_code == 404
    wanted.refresh_from_db()
    assert not wanted.file


def test_firmware_is_brought_by_who_is_somebody(door, client, settings, station):
    settings.STAFF_MFA_REQUIRED = False
    manager = make.member(operator=station.site.operator)
    client.force_login(manager)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    key, _row = ApiKey.issue(operator=station.site.operator, role="manager", name="tests")
    large, url = b"x" * 3_000_000, f"{door.http}/api/v1/firmware-images/"
    ways = [
        ({}, 413),
        ({"Authorization": "Bearer wrong"}, 413),
        ({"Cookie": f"{settings.SESSION_COOKIE_NAME}=wrong"}, 413),
        ({"Cookie": "="}, 413),
        ({"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"}, 403),  # let in, but without its CSRF token
        ({"Authorization": f"Bearer {key}"}, 201),
    ]
    fields = {"vendor": "Vendor", "version": "2.0.0"}
    for headers, expected in ways:
        answer = httpx.post(url, headers=headers, data=fields, files={"file": ("f.bin", large)})
        assert answer.status_code == expected, (headers, answer.text)
    assert FirmwareImage.objects.get().size == 3_000_000


def test_pages_take_no_large_bodies_either(door):
    # Only the head of the answer: who goes on sending may find the line closed before its last word.
    with httpx.stream("POST", f"{door.http}/accounts/login/", content=b"x" * 9_000_000) as answer:
        assert answer.status_code == 413

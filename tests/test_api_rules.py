"""What holds for every resource: who may call, how errors read, repeats, and the document about it all."""

import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from threading import Barrier

import pytest
from django.core.cache import cache
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from evportal.accounts.models import ApiKey
from evportal.rest.incoming import CallerThrottle, TooLarge, limit_body
from stations.models import Command, IdToken
from tests import make
from tests.api import Caller, as_person, caller

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    return make.operator()


@pytest.fixture
def api(operator):
    return caller(operator=operator)


@pytest.fixture(autouse=True)
def forget():
    cache.clear()


# Who calls


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "Bearer ä", "Bearer a b", "Token x"])
def test_without_a_valid_key_it_is_401(header):
    headers = {"HTTP_AUTHORIZATION": header.encode().decode("latin-1")} if header else {}
    answer = Caller().get("sites/", **headers)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert answer["Content-Type"] == "application/problem+json"


def test_a_revoked_key_is_no_key(operator):
    api = caller(operator=operator)
    assert api.get("sites/").status_code == 200
    ApiKey.objects.update(revoked_at=timezone.now())
    assert api.get("sites/").status_code == 401


def test_a_role_takes_a_second_factor_here_too(operator, settings):
    member = make.member(operator=operator)
    assert as_person(member).get("sites/").status_code == 403
    settings.STAFF_MFA_REQUIRED = False
    assert as_person(member).get("sites/").status_code == 200


def test_a_session_cannot_be_used_from_another_site(operator, settings):
    settings.STAFF_MFA_REQUIRED = False
    browser = Caller(enforce_csrf_checks=True)
    browser.force_login(make.member(operator=operator))
    answer = browser.post("id-tokens/", {"token": "A"}, format="json")
    assert answer.status_code == 403
    assert not IdToken.objects.exists()


def test_who_works_for_several_says_for_which(operator, settings):
    settings.STAFF_MFA_REQUIRED = False
    member, other = make.member(operator=operator), make.operator()
    member.memberships.create(operator=other, role="manager")
    stranger = make.operator()
    me = as_person(member)
    assert "operator" in me.post("id-tokens/", {"token": "A"}).data["errors"]
    assert me.post("id-tokens/", {"token": "A", "operator": stranger.slug}).status_code == 400
    assert me.post("id-tokens/", {"token": "A", "operator": other.slug}).data["operator"] == other.slug


def test_keys_and_people_are_counted_apart(operator, rf):
    _key, key = ApiKey.issue(operator=operator, role="manager", name="x")
    person = make.user(pk=key.pk + 10_000)
    key.pk = person.pk
    counts = set()
    for who in (key, person):
        request = rf.get("/")
        request.user = who
        counts.add(CallerThrottle().get_cache_key(request, None))
    assert len(counts) == 2


# How errors read


def test_errors_are_problem_documents_that_lead_to_the_log(api):
    answer = api.get("stations/nothing/", HTTP_X_REQUEST_ID="trace-me-123")
    assert answer.status_code == 404
    assert json.loads(answer.content) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no such thing here.",
        "request_id": "trace-me-123",
    }


@pytest.mark.parametrize(
    "body", [b"{", b"", b"[1,", b'{"token": NaN}', b'{"token": "\\ud800"}', b"\xff\xfe", b"[" * 100_000]
)
def test_what_is_not_json_is_400(api, body):
    answer = api.post("id-tokens/", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert not IdToken.objects.exists()


@pytest.mark.parametrize("body", ["[]", "7", '"text"', "null", "[{}]"])
def test_what_is_not_an_object_is_400(api, body):
    assert api.post("id-tokens/", body, content_type="application/json").status_code == 400


def test_other_media_types_are_415(api):
    for content_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ):
        assert api.post("id-tokens/", b"token=A", content_type=content_type).status_code == 415


@pytest.mark.parametrize("key", [None, "once"])
def test_what_is_too_large_is_413_before_it_is_read(api, key, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    body = json.dumps({"token": "A", "label": "x" * 1000})
    headers = {"HTTP_IDEMPOTENCY_KEY": key} if key else {}
    answer = api.post("id-tokens/", body, content_type="application/json", **headers)
    assert answer.status_code == 413
    assert answer["Content-Type"] == "application/problem+json"
    assert not IdToken.objects.exists()


def test_methods_that_are_not_there_are_405(api):
    assert api.put("sites/", {}).status_code == 405
    assert api.delete("sites/").status_code == 405
    assert api.options("sites/").status_code == 405


def test_unknown_addresses_under_the_api_answer_in_its_own_form(api):
    answer = api.get("unicorns/")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


# Repeats


def post(api, key, token="A", path="id-tokens/"):
    return api.post(path, {"token": token}, HTTP_IDEMPOTENCY_KEY=key)


def test_a_repeat_gets_the_first_answer(api):
    first, second = post(api, "k"), post(api, "k")
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert second["Idempotent-Replayed"] == "true"
    assert not first.has_header("Idempotent-Replayed")
    assert IdToken.objects.count() == 1


def test_a_repeat_with_another_body_is_refused(api):
    post(api, "k")
    answer = post(api, "k", token="B")
    assert answer.status_code == 422
    assert IdToken.objects.count() == 1


def test_a_key_counts_for_its_caller_and_address_alone(api, operator):
    make.station(site=make.site(operator=operator), identity="CP-1")
    post(api, "k")
    other = caller(operator=make.operator())
    assert post(other, "k").status_code == 201
    command = api.post("stations/CP-1/commands/", {"action": "ClearCache"}, HTTP_IDEMPOTENCY_KEY="k")
    assert (command.status_code, Command.objects.count()) == (201, 1)


def test_what_was_refused_is_tried_anew(api):
    assert api.post("id-tokens/", {"token": ""}, HTTP_IDEMPOTENCY_KEY="k").status_code == 400
    assert post(api, "k").status_code == 201


def test_a_stranger_gets_nothing_replayed(api):
    post(api, "k")
    assert (
        Caller().post("id-tokens/", {"token": "A"}, format="json", HTTP_IDEMPOTENCY_KEY="k").status_code
        == 401
    )


def test_a_revoked_key_gets_nothing_replayed(api):
    post(api, "k")
    ApiKey.objects.update(revoked_at=timezone.now())
    assert post(api, "k").status_code == 401


def test_an_endless_key_is_refused(api):
    assert post(api, "k" * 256).status_code == 400


@pytest.mark.django_db(transaction=True)
def test_at_the_same_time_only_one_is_done():
    operator = make.operator()
    api = caller(operator=operator)
    station = make.station(site=make.site(operator=operator), identity="CP-1")
    key = api._credentials
    starts = Barrier(8)

    def send(_number):
        client = Caller()
        client.credentials(**key)
        starts.wait()
        try:
            return client.post(
                "stations/CP-1/commands/", {"action": "ClearCache"}, format="json", HTTP_IDEMPOTENCY_KEY="k"
            ).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(send, range(8)))
    assert set(found) <= {201, 409}
    assert 201 in found
    assert Command.objects.filter(station=station).count() == 1


def test_while_the_first_is_under_way_a_repeat_waits_its_turn(api, operator, monkeypatch):
    make.station(site=make.site(operator=operator), identity="CP-1")
    seen = []

    def wait(command, seconds):
        seen.append(api.post("stations/CP-1/commands/", {"action": "ClearCache"}, HTTP_IDEMPOTENCY_KEY="k"))

    monkeypatch.setattr("stations.commands.wait", wait)
    first = api.post("stations/CP-1/commands/", {"action": "ClearCache"}, HTTP_IDEMPOTENCY_KEY="k")
    assert first.status_code == 201
    assert [answer.status_code for answer in seen] == [409]
    assert Command.objects.count() == 1


# The document


def test_the_document_is_valid_and_tells_of_every_resource(capsys):
    document = SchemaGenerator().get_schema(request=None, public=True)
    validate_schema(document)
    assert document["openapi"].startswith("3.1")
    said = capsys.readouterr().err
    assert "Warning" not in said and "Error" not in said
    assert "/api/v1/stations/{identity}/commands/" in document["paths"]
    create = document["paths"]["/api/v1/id-tokens/"]["post"]
    assert "Idempotency-Key" in [parameter["name"] for parameter in create["parameters"]]
    assert "application/problem+json" in create["responses"]["409"]["content"]


def test_anybody_may_read_the_document_and_the_guide_asks_nobody_else():
    client = Caller()
    assert client.get("schema/").status_code == 200
    page = client.get("docs/")
    assert page.status_code == 200
    text = page.content.decode()
    assert "http://" not in text.replace("http://testserver", "") and "https://" not in text
    assert "/static/drf_spectacular_sidecar/" in text


@pytest.mark.parametrize(("size", "is_taken"), [(10, True), (1001, False)])
def test_a_body_sent_in_chunks_is_read_and_limited_too(settings, size, is_taken):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/id-tokens/",
        "headers": [(b"transfer-encoding", b"chunked"), (b"content-type", b"application/json")],
    }
    request = ASGIRequest(scope, BytesIO(b"x" * size))
    if is_taken:
        limit_body(request)
        assert (request.body, request.META["CONTENT_LENGTH"]) == (b"x" * size, str(size))
    else:
        with pytest.raises(TooLarge):
            limit_body(request)

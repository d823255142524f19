"""Station files in the admin and by command: nothing before somebody agrees, all of it or nothing then."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from evportal.accounts.audit.models import Change
from evportal.accounts.models import Operator
from stations.models import Connector, Evse, PendingStation, Site, Station, StationImport
from tests import make

pytestmark = pytest.mark.django_db

UPLOAD = reverse("admin:stations_station_import_stations")
EXPORT = reverse("admin:stations_station_export_stations")
TEXT = (
    "site;site_name;latitude;longitude;identity;charger;security_profile;evse;evse_id;max_power_kw;standard\n"
    "yard;North Yard;52,53;13,38;CP-1;One;1;1;DE*ABC*E1*1;22;Type 2\n"
    "yard;;;;CP-1;;;2;;50;CCS\n"
    "yard;;;;CP-2;;3;;;;\n"
)


@pytest.fixture(autouse=True)
def _no_second_factor(settings):
    settings.STAFF_MFA_REQUIRED = False


@pytest.fixture
def operator():
    return make.operator()


@pytest.fixture
def manager(client, operator):
    person = make.member(operator=operator)
    client.force_login(person)
    return person


def upload(client, operator, text, name="chargers.csv"):
    file = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    file.name = name
    return client.post(UPLOAD, {"operator": operator.pk, "file": file}, follow=True)


def agree(client, page):
    row = page.context["row"]
    url = reverse("admin:stations_station_import_shown", args=[row.pk])
    return client.post(url, {"digest": row.digest}, follow=True)


def counts():
    return [model.objects.count() for model in (Site, Station, Evse, Connector)]


def test_a_file_is_shown_first_and_entered_when_somebody_agrees(client, operator, manager):
    PendingStation.objects.create(identity="CP-1", first_seen_at=timezone.now(), last_seen_at=timezone.now())
    page = upload(client, operator, TEXT)
    assert counts() == [0, 0, 0, 0]
    text = page.content.decode()
    assert "1 site, 2 chargers, 3 EVSEs, 3 connectors" in text and "site_name: North Yard" in text
    done = agree(client, page).content.decode()
    assert counts() == [1, 2, 3, 3] and "Download the passwords" in done
    one = Station.objects.get(identity="CP-1")
    assert (one.name, one.site.operator, one.site.slug) == ("One", operator, "yard")
    assert [(e.public_id, e.max_power_w) for e in one.evses.all()] == [
        ("DE*ABC*E1*1", 22_000),
        (f"DE*ABC*E{one.pk:05d}*2", 50_000),
    ]
    assert Connector.objects.get(evse=one.evses.get(number=2)).standard == "IEC_62196_T2_COMBO"
    assert Station.objects.get(identity="CP-2").name == "Charger 2"
    assert not PendingStation.objects.exists()


def test_passwords_are_handed_out_once_and_only_hashes_stay(client, operator, manager):
    page = agree(client, upload(client, operator, TEXT))
    take = reverse("admin:stations_station_import_passwords", args=[page.context["row"].pk])
    assert client.get(take).status_code == 302
    given = client.post(take)
    rows = list(csv.DictReader(io.StringIO(given.content.decode("utf-8-sig"))))
    # The other signs in with a certificate.
    assert [row["identity"] for row in rows] == ["CP-1"] and "no-store" in given["Cache-Control"]
    station = Station.objects.get(identity="CP-1")
    assert station.check_password(rows[0]["password"]) and rows[0]["password"] not in station.password_hash
    again = client.post(take, follow=True)
    assert "taken already" in again.content.decode() and not StationImport.objects.get().secrets


def test_passwords_that_nobody_took_are_forgotten(client, operator, manager):
    from stations.importing import actions

    page = agree(client, upload(client, operator, TEXT))
    row = page.context["row"]
    with pytest.raises(actions.Taken):
        actions.take_passwords(row=row, now=timezone.now() + actions.KEPT)
    actions.purge(timezone.now() + actions.KEPT + timedelta(minutes=1))
    assert not StationImport.objects.get().secrets
    assert actions.purge(timezone.now() + timedelta(days=2)) == 1


def test_errors_are_named_and_nothing_is_entered(client, operator, manager):
    page = upload(client, operator, TEXT.replace("52,53", "152,53") + "yard;;;;CP-2;;;;;;\n")
    text = page.content.decode()
    assert "2 errors" in text and "latitude" in text and "in row 4 already" in text
    assert "Enter all of it" not in text
    assert "has errors" in agree(client, page).content.decode()
    assert counts() == [0, 0, 0, 0]


def test_a_file_that_is_none_is_refused_on_the_spot(client, operator, manager):
    assert "neither CSV nor XLSX" in upload(client, operator, b"\x00\x01\x02").content.decode()
    assert not StationImport.objects.exists()


def test_what_changed_since_it_was_shown_is_not_entered(client, operator, manager):
    page = upload(client, operator, TEXT)
    make.station(site=make.site(operator=operator), identity="CP-2")
    before = counts()
    assert "Something has changed" in agree(client, page).content.decode()
    assert counts() == before


def test_what_is_agreed_to_is_what_the_page_showed(client, operator, manager):
    row = upload(client, operator, TEXT).context["row"]
    url = reverse("admin:stations_station_import_shown", args=[row.pk])
    for digest in ("", "0" * 64):
        assert "Something has changed" in client.post(url, {"digest": digest}, follow=True).content.decode()
    assert counts() == [0, 0, 0, 0]


def test_it_is_applied_once_and_only_for_a_while(client, operator, manager):
    page = upload(client, operator, TEXT)
    StationImport.objects.update(expires_at=timezone.now())
    assert "is over" in agree(client, page).content.decode() and counts() == [0, 0, 0, 0]
    page = upload(client, operator, TEXT)
    agree(client, page)
    assert "applied already" in agree(client, page).content.decode() and Station.objects.count() == 2


def test_a_failure_half_way_leaves_nothing(client, operator, manager, monkeypatch):
    from django.db import IntegrityError

    page = upload(client, operator, TEXT)
    monkeypatch.setattr(Connector.objects, "bulk_create", lambda rows: (_ for _ in ()).throw(IntegrityError))
    assert "Something has changed" in agree(client, page).content.decode()
    assert counts() == [0, 0, 0, 0] and not StationImport.objects.get().applied_at


def test_another_operators_things_are_neither_shown_nor_changed(client, operator, manager):
    other = make.station(site=make.site(slug="yard", name="Secret Yard"), identity="CP-1")
    make.evse(station=other, public_id="DE*ABC*E1*1")
    page = upload(client, operator, TEXT)
    text = page.content.decode()
    assert {(p.row, p.column) for p in page.context["problems"]} == {
        (2, "site"),
        (2, "identity"),
        (2, "evse_id"),
    }
    assert "Secret Yard" not in text and other.site.operator.name not in text
    agree(client, page)
    other.refresh_from_db()
    assert counts() == [1, 1, 1, 1] and other.name != "One"


def test_only_who_was_shown_it_may_agree(client, operator, manager):
    page = upload(client, operator, TEXT)
    url = reverse("admin:stations_station_import_shown", args=[page.context["row"].pk])
    for person in (make.member(operator=operator), make.member(operator=make.operator())):
        client.force_login(person)
        assert client.get(url).status_code == 404
        assert agree(client, page).status_code == 404
    manager.memberships.update(is_active=False)
    client.force_login(manager)
    assert client.get(url).status_code == 403 and counts() == [0, 0, 0, 0]


@pytest.mark.parametrize("role", ["accountant", "support"])
def test_who_does_not_manage_chargers_imports_none(client, operator, role):
    client.force_login(make.member(operator=operator, role=role))
    assert client.get(UPLOAD).status_code == 403
    assert client.get(reverse("admin:stations_station_import_template", args=["csv"])).status_code == 403
    assert (
        "Import from a file" not in client.get(reverse("admin:stations_station_changelist")).content.decode()
    )


def test_a_technician_of_one_site_stays_at_that_site(client, operator):
    site, other = make.site(operator=operator, slug="mine"), make.site(operator=operator, slug="other")
    client.force_login(make.member(operator=operator, role="technician", sites=[site]))
    page = upload(client, operator, "site;identity\nmine;CP-1\nother;CP-2\nnew;CP-3\n")
    assert {(p.row, p.column) for p in page.context["problems"]} == {(3, "site"), (4, "site")}
    agree(client, upload(client, operator, "site;identity\nmine;CP-1\n"))
    assert Station.objects.get().site == site
    page = upload(client, make.operator(), "site;identity\nmine;CP-1\n")
    assert page.context["form"].errors["operator"] and not other.stations.exists()


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_an_export_is_read_again_as_what_is_there(client, operator, manager, ending):
    agree(client, upload(client, operator, TEXT))
    site = Site.objects.get()
    make.site(operator=operator, name='-Empty; "site"', street="=evil", opening_hours="Mo-Fr 06:00-22:00")
    make.station(site=site, identity="no evse", name="@home")
    make.station(site=make.site(name="Not mine"))
    evse = make.evse(station=make.station(site=make.site(operator=operator, longitude="-0.5")))
    Connector.objects.create(evse=evse, number=2, standard="CHADEMO", format="CABLE", power_type="DC")
    file = client.get(EXPORT, {"as": ending})
    assert b"Not mine" not in file.content
    page = upload(client, operator, file.content, f"chargers.{ending}")
    plan = page.context["plan"]
    assert not plan.problems and not plan.does_something, [s for s in plan.steps if s.verb != "same"]
    assert plan.count("same") == 3 + 4 + 4 + 5 and "as the file says already" in page.content.decode()


def test_rows_that_change_nothing_are_named(client, operator, manager):
    agree(client, upload(client, operator, TEXT))
    text = upload(client, operator, TEXT.replace(";50;", ";150;")).content.decode()
    assert "Rows that change nothing: 2, 4." in text and "max_power_kw: 50 → 150" in text
    assert "Changed: 1 EVSE." in text


def test_the_template_can_be_imported(client, operator, manager):
    for ending in ("csv", "xlsx"):
        file = client.get(reverse("admin:stations_station_import_template", args=[ending]))
        assert not upload(client, operator, file.content).context["problems"]
    assert client.get(reverse("admin:stations_station_import_template", args=["exe"])).status_code == 404


def test_queries_do_not_grow_with_the_rows(client, operator, manager):
    numbers = []
    for count in (3, 40):
        rows = "".join(f"yard-{count};Y;1;2;CP-{count}-{n};C;1;1;;22;CCS\n" for n in range(count))
        page = upload(client, operator, TEXT.split("\n")[0] + "\n" + rows)
        with CaptureQueriesContext(connection) as queries:
            agree(client, page)
        numbers.append(len(queries))
    assert numbers[0] == numbers[1] and Station.objects.count() == 43


def test_the_command_does_the_same(tmp_path, operator, capsys):
    file, keys = tmp_path / "chargers.csv", tmp_path / "keys.csv"
    file.write_text(TEXT)
    call_command("import_stations", file, "--operator", operator.slug, "--dry-run")
    assert counts() == [0, 0, 0, 0] and "9 to create" in capsys.readouterr().out
    with pytest.raises(CommandError, match="--passwords"):
        call_command("import_stations", file, "--operator", operator.slug)
    keys.touch()
    with pytest.raises(CommandError, match="Nothing was entered"):
        call_command("import_stations", file, "--operator", operator.slug, "--passwords", keys)
    assert counts() == [0, 0, 0, 0]
    keys.unlink()
    call_command("import_stations", file, "--operator", operator.slug, "--passwords", keys)
    made = Change.objects.filter(action="created")
    assert made.count() == 9 and {each.via for each in made} == {"manage.py import_stations"}
    assert counts() == [1, 2, 3, 3] and "CP-1" in keys.read_text() and keys.stat().st_mode & 0o077 == 0
    call_command("import_stations", file, "--operator", operator.slug)
    assert "0 to create, 0 to change, 7 as they are" in capsys.readouterr().out
    file.write_text(TEXT.replace("One", "=1"))
    with pytest.raises(CommandError, match="1 errors"):
        call_command("import_stations", file, "--operator", operator.slug)
    assert "Row 2, charger: is a formula" in capsys.readouterr().err
    assert Operator.objects.count() == 1


def test_a_wrong_call_of_the_command_is_said(tmp_path, operator):
    file = tmp_path / "x.csv"
    for slug, why in [("nobody", "no operator"), (operator.slug, "can't be read")]:
        with pytest.raises(CommandError, match=why):
            call_command("import_stations", file, "--operator", slug)
    file.write_bytes(b"\x00")
    with pytest.raises(CommandError, match="neither"):
        call_command("import_stations", file, "--operator", operator.slug)

"""Drafts: written, approved by another, published as they were seen; groups and assignments in prices."""

import json
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.template import Context, Template
from django.urls import reverse
from django.utils import timezone

from billing import actions, groups, moves, prices, pricing
from billing.actions import drafts, price_groups, tariffs
from billing.models import (
    Account,
    AccountDriver,
    HolidayCalendar,
    PriceGroup,
    Tariff,
    TariffApproval,
    TariffAssignment,
    TariffDraft,
    TariffVersion,
)
from billing.outlook import Outlook
from evportal.money import round_money
from stations.models import Session
from tests import make
from tests.billing import money

pytestmark = pytest.mark.django_db
D = Decimal
TIME = {"type": "TIME", "price": 6, "vat": 19, "step_size": 1}


@pytest.fixture(autouse=True)
def _quiet(settings):
    settings.STAFF_MFA_REQUIRED = False


@pytest.fixture
def evse():
    return money.place()


@pytest.fixture
def operator(evse):
    return evse.station.site.operator


@pytest.fixture
def tariff(evse):
    return Tariff.objects.get()


@pytest.fixture
def author(operator):
    return make.member(operator=operator)


@pytest.fixture
def other(operator):
    return make.member(operator=operator)


def dearer(draft, price=0.59, **more):
    parts = [money.ENERGY | {"price": price}]
    return draft.ocpi | {"elements": [{"price_components": parts}]} | more


def written(tariff, by, **more):
    draft = drafts.begin(tariff=tariff, by=by)
    return drafts.change(draft=draft, ocpi=dearer(draft, **more), valid_from=None, by=by)


# Drafts


def test_a_draft_begins_with_the_newest_prices_and_becomes_the_next_version(tariff, author):
    draft = drafts.begin(tariff=tariff, by=author)
    assert draft.ocpi == tariff.versions.get().ocpi
    assert drafts.begin(tariff=tariff, by=author) == draft
    draft = drafts.change(draft=draft, ocpi=dearer(draft), valid_from=None, by=author)
    version = drafts.publish(draft=draft, by=author, seen=draft.digest)
    assert (version.number, version.ocpi, version.created_by) == (2, dearer(draft), author)
    assert not TariffDraft.objects.exists()


def test_nobody_overwrites_what_they_have_not_seen(tariff, author, other):
    draft = drafts.begin(tariff=tariff, by=author)
    before = draft.digest
    drafts.change(draft=draft, ocpi=dearer(draft), valid_from=None, by=other, seen=before)
    for call in (
        lambda: drafts.change(draft=draft, ocpi=dearer(draft, 9), valid_from=None, by=author, seen=before),
        lambda: drafts.publish(draft=draft, by=author, seen=before),
        lambda: drafts.approve(draft=draft, by=author, seen=before),
    ):
        with pytest.raises(drafts.DraftChanged):
            call()
    assert tariff.versions.count() == 1


def test_a_draft_is_in_the_operators_currency_and_readable(tariff, author):
    draft = drafts.begin(tariff=tariff, by=author)
    for wrong in ({"currency": "SEK"}, {"elements": []}):
        with pytest.raises(pricing.TariffError):
            drafts.change(draft=draft, ocpi=draft.ocpi | wrong, valid_from=None, by=author)
    assert TariffDraft.objects.get().ocpi == draft.ocpi


def test_what_another_party_wrote_goes_in_and_out_unchanged(tariff, author):
    theirs = dearer(drafts.begin(tariff=tariff, by=author)) | {
        "tariff_alt_text": [],
        "min_price": {"before_taxes": 1, "after_taxes": None},
        "colour": {"red": 0.5},
    }
    draft = drafts.change(draft=tariff.draft, ocpi=theirs, valid_from=None, by=author)
    version = drafts.publish(draft=draft, by=author, seen=draft.digest)
    assert TariffVersion.objects.get(pk=version.pk).ocpi == theirs


def test_errors_keep_it_from_being_published_and_warnings_are_confirmed(tariff, author, evse):
    evse.max_power_w = 150_000
    evse.save()
    draft = drafts.begin(tariff=tariff, by=author)
    parts = [money.ENERGY, {"type": "FLAT", "price": 1, "vat": 19, "step_size": 1}]
    fee = draft.ocpi | {"elements": [{"price_components": parts}]}
    draft = drafts.change(draft=draft, ocpi=fee, valid_from=None, by=author)
    with pytest.raises(tariffs.HasErrors, match="AFIR"):
        drafts.publish(draft=draft, by=author, seen=draft.digest)
    untaxed = draft.ocpi | {
        "elements": [{"price_components": [{"type": "ENERGY", "price": 1, "step_size": 1}]}]
    }
    draft = drafts.change(draft=draft, ocpi=untaxed, valid_from=None, by=author)
    with pytest.raises(drafts.WarningsLeft) as left:
        drafts.publish(draft=draft, by=author, seen=draft.digest)
    keys = [drafts.key(each) for each in left.value.findings]
    assert keys == ["tax_missing:elements[0].price_components[0].vat"]
    assert drafts.publish(draft=draft, by=author, seen=draft.digest, confirmed=keys).number == 2


def test_errors_keep_the_api_and_the_admin_from_publishing_too(tariff, evse):
    evse.max_power_w = 50_000
    evse.save()
    ocpi = tariff.versions.get().ocpi | {"elements": [{"price_components": [money.ENERGY, TIME]}]}
    with pytest.raises(tariffs.HasErrors):
        tariffs.publish(tariff=tariff, ocpi=ocpi, valid_from=timezone.now(), by=None)


def test_prices_do_not_begin_in_the_past(tariff, author):
    draft = drafts.begin(tariff=tariff, by=author)
    past = timezone.now() - timedelta(hours=1)
    draft = drafts.change(draft=draft, ocpi=dearer(draft), valid_from=past, by=author)
    with pytest.raises(tariffs.TooLate):
        drafts.publish(draft=draft, by=author, seen=draft.digest)


def test_a_new_tariffs_draft_given_up_leaves_nothing(operator, author, tariff):
    draft = drafts.create(operator=operator, name="New", by=author, like=tariff)
    assert draft.ocpi["elements"] == tariff.versions.get().ocpi["elements"]
    drafts.discard(draft=draft)
    assert list(Tariff.objects.all()) == [tariff]
    drafts.discard(draft=drafts.begin(tariff=tariff, by=author))
    assert Tariff.objects.get() == tariff


# The second person


def test_a_second_person_approves_what_they_saw(tariff, operator, author, other):
    tariffs.want_second_person(operator=operator)
    draft = written(tariff, author)
    with pytest.raises(tariffs.NeedsSecondPerson):
        drafts.publish(draft=draft, by=author, seen=draft.digest)
    with pytest.raises(drafts.OwnDraft):
        drafts.approve(draft=draft, by=author, seen=draft.digest)
    with pytest.raises(drafts.NotAPerson):
        drafts.approve(draft=draft, by=None, seen=draft.digest)
    approval = drafts.approve(draft=draft, by=other, seen=draft.digest)
    assert approval.digest == draft.digest
    version = drafts.publish(draft=draft, by=author, seen=draft.digest)
    assert (version.created_by, version.approved_by) == (author, other)


def test_a_changed_draft_loses_its_approval(tariff, operator, author, other):
    tariffs.want_second_person(operator=operator)
    draft = written(tariff, author)
    drafts.approve(draft=draft, by=other, seen=draft.digest)
    same = drafts.change(draft=draft, ocpi=draft.ocpi, valid_from=None, by=author)
    assert TariffApproval.objects.exists()
    draft = drafts.change(
        draft=same, ocpi=draft.ocpi, valid_from=timezone.now() + timedelta(days=1), by=author
    )
    assert not TariffApproval.objects.exists()
    with pytest.raises(tariffs.NeedsSecondPerson):
        drafts.publish(draft=draft, by=other, seen=draft.digest)


def test_who_wrote_on_it_before_cannot_approve_it(tariff, operator, author, other):
    tariffs.want_second_person(operator=operator)
    written(tariff, author)
    draft = written(tariff, other, price=0.6)
    with pytest.raises(drafts.OwnDraft):
        drafts.approve(draft=draft, by=author, seen=draft.digest)


def test_no_way_past_the_second_person(tariff, operator):
    tariffs.want_second_person(operator=operator)
    ocpi = tariff.versions.get().ocpi
    with pytest.raises(tariffs.NeedsSecondPerson):
        tariffs.publish(tariff=tariff, ocpi=ocpi, valid_from=timezone.now(), by=None)
    with pytest.raises(tariffs.NeedsSecondPerson):
        tariffs.create_tariff(operator=operator, name="New", ocpi=ocpi, valid_from=timezone.now(), by=None)
    assert Tariff.objects.count() == 1


def test_nobody_ends_the_rule_alone(operator, author, other):
    tariffs.want_second_person(operator=operator)
    assert tariffs.do_without_second_person(operator=operator, by=author).second_person
    with pytest.raises(tariffs.TariffRefused, match="somebody else"):
        tariffs.do_without_second_person(operator=operator, by=author)
    assert not tariffs.do_without_second_person(operator=operator, by=other).second_person
    assert not tariffs.needs_second_person(operator)


# Where and when


def test_a_place_changes_its_tariff_at_a_time(evse, tariff):
    site, later = evse.station.site, timezone.now() + timedelta(days=7)
    new = money.version(Tariff.objects.create(operator=site.operator, name="New"))
    row = tariffs.assign(tariff=new.tariff, site=site, evse=evse, valid_from=later)
    fresh = make.Evse.objects.with_station().get(pk=evse.pk)
    assert prices.version_for(fresh, later - timedelta(seconds=1)).tariff == tariff
    assert prices.version_for(fresh, later) == new
    tariffs.unplan(assignment=row)
    fresh = make.Evse.objects.with_station().get(pk=evse.pk)
    assert prices.version_for(fresh, later).tariff == tariff
    with pytest.raises(tariffs.TariffRefused):
        tariffs.unplan(assignment=TariffAssignment.objects.get())
    with pytest.raises(tariffs.TooLate):
        tariffs.assign(tariff=new.tariff, site=site, valid_from=timezone.now() - timedelta(days=1))


def test_a_charge_point_has_its_sites_tariff_again(evse, tariff):
    of_site = money.tariff(site=evse.station.site)
    now = timezone.now()
    tariffs.assign(tariff=None, site=evse.station.site, evse=evse)
    fresh = make.Evse.objects.with_station().get(pk=evse.pk)
    assert prices.version_for(fresh, timezone.now()) == of_site
    assert prices.version_for(fresh, now - timedelta(days=1)).tariff == tariff


# Groups


@pytest.fixture
def fleet_price(operator, evse, tariff):
    """The group "fleet" pays 0.20 instead of 0.49."""
    group = PriceGroup.objects.create(operator=operator, key="fleet", name="Fleet")
    theirs = [{"price_components": [money.ENERGY | {"price": 0.2}]}]
    money.version(tariff, evportal={"groups": [{"group": "fleet", "elements": theirs}]}, valid_from=make.NOON)
    return group


def cost(user, evse):
    return prices.estimate(evse=evse, starts_at=make.NOON, energy_wh=D(10_000), user=user).gross


def test_members_and_fleets_pay_their_groups_price(fleet_price, operator, evse):
    alice, bob, carol = make.user(), make.user(), make.user()
    make.session(evse=evse, user=alice, minutes=5)
    price_groups.add(group=fleet_price, by=None, email=alice.email)
    account = Account.objects.create(operator=operator, name="Post")
    AccountDriver.objects.create(account=account, user=bob)
    price_groups.add(group=fleet_price, by=None, account=account)
    assert [cost(user, evse) for user in (alice, bob, carol, None)] == [D(2), D(2), D("4.90"), D("4.90")]


def test_strangers_and_doubles_are_not_added(fleet_price, operator, evse):
    with pytest.raises(price_groups.TariffRefused):
        price_groups.add(group=fleet_price, by=None, email=make.user().email)
    known = make.user()
    make.id_token(operator=operator, user=known)
    price_groups.add(group=fleet_price, by=None, email=known.email)
    with pytest.raises(price_groups.TariffRefused, match="already"):
        price_groups.add(group=fleet_price, by=None, email=known.email.upper())
    theirs = Account.objects.create(operator=make.operator(), name="Post")
    with pytest.raises(price_groups.TariffRefused):
        price_groups.add(group=fleet_price, by=None, account=theirs)


def test_a_group_is_frozen_when_a_session_begins(fleet_price, operator, evse):
    user = make.user()
    make.id_token(operator=operator, user=user)
    member = price_groups.add(group=fleet_price, by=None, email=user.email)
    session = make.session(evse=evse, user=user, minutes=60, energy_wh=10_000)
    cdr = actions.open_cdr(session=session)
    assert cdr.groups == ["fleet"]
    price_groups.remove(member=member)
    session.refresh_from_db()
    assert round_money(prices.running(session).gross, "EUR") == D(2)
    assert cost(type(user).objects.get(pk=user.pk), evse) == D("4.90")


def test_a_quote_keeps_its_groups(fleet_price, operator, evse):
    user = make.user()
    make.id_token(operator=operator, user=user)
    member = price_groups.add(group=fleet_price, by=None, email=user.email)
    booking = make.booking(evse=evse, user=user, starts_at=make.NOON, now=make.NOON - timedelta(hours=1))
    quote = prices.quote(
        evse=evse,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        user=user,
        booking=booking,
        now=make.NOON,
    )
    price_groups.remove(member=member)
    session = make.session(evse=evse, user=user, started_at=make.NOON)
    booking.session = session
    booking.save()
    assert quote.groups == ["fleet"]
    assert actions.open_cdr(session=session).groups == ["fleet"]
    assert set(moves.prices_at([booking], [evse]).values()) == {quote.gross}


def test_pages_show_the_price_of_whoever_looks(fleet_price, operator, evse):
    user = make.user()
    make.id_token(operator=operator, user=user)
    member = price_groups.add(group=fleet_price, by=None, email=user.email)
    session = make.session(evse=evse, user=user)
    actions.open_cdr(session=session)
    evse = make.Evse.objects.with_station().get(pk=evse.pk)
    spot = {"evse": evse, "starts": make.NOON, "ends": make.NOON + timedelta(hours=1), "session": session}

    def shown(tag, **more):
        return Template("{% load billing_tags %}{% " + tag + " %}").render(Context(spot | more))

    assert "€0.49 per kWh" in shown("tariff_lines evse starts")
    assert "€0.20 per kWh" in shown("tariff_lines evse starts", request=SimpleNamespace(user=user))
    public = shown("slot_price evse starts ends")
    shown("attach_prices evses", evses=[evse], request=SimpleNamespace(user=user))
    assert shown("slot_price evse starts ends") != public
    price_groups.remove(member=member)
    assert "€0.20 per kWh" in shown("session_lines session")


def test_what_a_running_charge_will_cost_is_reckoned_with_its_group(fleet_price, operator, evse):
    user = make.user()
    make.id_token(operator=operator, user=user)
    price_groups.add(group=fleet_price, by=None, email=user.email)
    session = money.begin(evse, user)
    actions.open_cdr(session=session)
    money.reading(session, minutes=10, wh=11_000)
    session = Session.objects.with_place().select_related("cdr__version").get(pk=session.pk)
    look = Outlook(session)
    assert look.cost(look.at, D(0)) == prices.running(session).gross == D("2.00")


def test_plans_are_another_source_of_groups(operator, evse, tariff):
    user = make.user()

    def plans(users, operator, at):
        return {each.pk: ["plan:gold"] for each in users if each == user}

    def names(operator):
        return [("plan:gold", "Gold")]

    ours = {"groups": [{"group": "plan:gold", "discount_percent": 50}]}
    money.version(tariff, evportal=ours, valid_from=make.NOON)
    groups.register(plans, names)
    try:
        assert groups.choices(operator) == [("plan:gold", "Gold")]
        assert cost(user, evse) == D("2.45")
        assert cost(make.user(), evse) == D("4.90")
    finally:
        groups.unregister(plans, names)


# Pages


def page(client, name, *args, **data):
    url = reverse(f"tariffs:{name}", args=args)
    return client.post(url, data) if data else client.get(url)


def fields_of(response):
    form = response.context["form"]
    return {field.html_name: field.value() for field in form if field.value() not in (None, False)}


@pytest.fixture
def desk(client, author):
    client.force_login(author, "django.contrib.auth.backends.ModelBackend")
    return client


def test_an_operator_writes_looks_and_publishes(desk, tariff, evse):
    make.session(evse=evse, started_at=make.NOON, minutes=60, energy_wh=10_000)
    assert page(desk, "begin", tariff.pk, do="1").url == reverse("tariffs:draft", args=[tariff.pk])
    editor = page(desk, "draft", tariff.pk)
    assert "€0.49 per kWh" in editor.content.decode()
    wish = fields_of(editor) | {"seen": tariff.draft.digest, "kwh_A": "0.59", "kwh_B": "0.39"}
    painted = wish | {"do": "paint", "letter": "B", "days": ["5", "6"], "begin": "22", "end": "6"}
    assert page(desk, "draft", tariff.pk, **painted).status_code == 302
    draft = TariffDraft.objects.get()
    assert [element["price_components"][0]["price"] for element in draft.ocpi["elements"]] == [0.39, 0.59]
    assert draft.ocpi["elements"][0]["restrictions"] == {
        "start_time": "22:00", "end_time": "06:00", "day_of_week": ["SATURDAY", "SUNDAY"]
    }  # fmt: skip

    shown = page(desk, "preview", tariff.pk)
    assert shown.context["sums"] == {"old": "€4.90", "new": "€5.90", "difference": "+€1.00"}
    line = shown.context["past"][0]["lines"][0]
    assert (line["old"], line["new"], line["difference"]) == ("€4.90", "€5.90", "+€1.00")

    last = page(desk, "publish", tariff.pk)
    assert "overnight" not in last.content.decode()
    done = page(desk, "publish", tariff.pk, do="publish", seen=draft.digest)
    assert done.url == reverse("tariffs:tariff", args=[tariff.pk])
    assert tariff.versions.count() == 2
    assert "in force" in page(desk, "tariff", tariff.pk).content.decode()
    assert page(desk, "version_json", tariff.pk, 2).json() == draft.ocpi
    assert "€0.39 per kWh, Sat–Sun 22:00–06:00" in page(desk, "version", tariff.pk, 2).content.decode()


def test_saving_without_a_change_changes_nothing(desk, tariff):
    before = tariff.versions.get().ocpi
    page(desk, "begin", tariff.pk, do="1")
    editor = page(desk, "draft", tariff.pk)
    page(desk, "draft", tariff.pk, **fields_of(editor), seen=tariff.draft.digest, do="save")
    assert TariffDraft.objects.get().ocpi == before


def test_the_check_follows_and_keeps_nothing(desk, tariff):
    page(desk, "begin", tariff.pk, do="1")
    wish = fields_of(page(desk, "draft", tariff.pk)) | {"start_fee": "1.50", "vat": ""}
    said = page(desk, "check", tariff.pk, **wish).content.decode()
    assert "€1.50 per session" in said
    assert 'data-finding-for="vat"' in said
    assert (
        "week uses price B" in page(desk, "check", tariff.pk, **wish | {"week": "B" * 168}).content.decode()
    )
    assert TariffDraft.objects.get().ocpi == tariff.versions.get().ocpi


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("week", "A" * 167, "168 hours"),
        ("week", "Z" * 168, "168 hours"),
        ("kwh_A", "-1", "greater than or equal"),
        ("vat", "101", "less than or equal"),
        ("holidays", "25.12.2026", "not a day"),
        ("valid_from", "tomorrow", "valid date"),
        ("seen", "something else", "changed the draft meanwhile"),
    ],
)
def test_bad_input_changes_nothing(desk, tariff, field, value, words):
    page(desk, "begin", tariff.pk, do="1")
    wish = fields_of(page(desk, "draft", tariff.pk)) | {"kwh_A": "0.80", "seen": tariff.draft.digest}
    answer = page(desk, "draft", tariff.pk, **wish | {field: value})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert TariffDraft.objects.get().ocpi == tariff.versions.get().ocpi


def test_groups_and_holidays_are_written_with_fields(desk, tariff, operator):
    PriceGroup.objects.create(operator=operator, key="staff", name="Staff")
    calendar = HolidayCalendar.objects.create(operator=operator, name="DE", days=["2026-12-25"])
    page(desk, "begin", tariff.pk, do="1")
    wish = fields_of(page(desk, "draft", tariff.pk)) | {"seen": tariff.draft.digest, "do": "save"}
    wish |= {"group0_discount": "20", "group0_no_fee": "on", "calendar": calendar.pk, "holidays_as": "SUNDAY"}
    page(desk, "draft", tariff.pk, **wish)
    assert TariffDraft.objects.get().ocpi["evportal"] == {
        "holidays": {"dates": ["2026-12-25"], "as_day": "SUNDAY"},
        "groups": [{"group": "staff", "discount_percent": 20, "no_start_fee": True}],
    }


def test_what_fields_cannot_show_is_written_as_json(desk, tariff):
    page(desk, "begin", tariff.pk, do="1")
    odd = tariff.draft.ocpi | {
        "elements": [{"price_components": [money.ENERGY], "restrictions": {"min_kwh": 5}}]
    }

    sent = page(desk, "ocpi", tariff.pk, ocpi=json.dumps(odd), seen=tariff.draft.digest)
    assert sent.status_code == 302
    assert page(desk, "draft", tariff.pk).url == reverse("tariffs:ocpi", args=[tariff.pk])
    assert page(desk, "ocpi_json", tariff.pk).json() == odd
    bad = page(desk, "ocpi", tariff.pk, ocpi="{}", seen="")
    assert bad.status_code == 422


def test_two_people_on_pages(desk, tariff, operator, other, author, client):
    page(desk, "second_person", do="on")
    draft = written(tariff, author)
    assert "somebody else has to approve" in page(desk, "publish", tariff.pk).content.decode()
    refused = page(desk, "publish", tariff.pk, do="approve", seen=draft.digest)
    assert (refused.status_code, TariffApproval.objects.count()) == (422, 0)
    client.force_login(other, "django.contrib.auth.backends.ModelBackend")
    assert page(client, "publish", tariff.pk, do="approve", seen=draft.digest).status_code == 302
    assert page(client, "publish", tariff.pk, do="publish", seen=draft.digest).status_code == 302
    assert tariff.versions.first().approved_by == other


def test_the_list_says_where_a_tariff_is_used(desk, tariff, evse, django_assert_max_num_queries):
    for number in range(5):
        money.tariff(evse=make.evse(station=evse.station, number=number + 2))
    page(desk, "list")
    with django_assert_max_num_queries(22):
        said = page(desk, "list")
    assert said.content.decode().count("1 charge point<") == 6


def test_assigning_on_the_page(desk, tariff, evse):
    site = evse.station.site
    page(desk, "assign", tariff.pk, site=site.pk, valid_from="")
    assert TariffAssignment.objects.filter(site=site, evse=None, tariff=tariff).exists()
    own = TariffAssignment.objects.get(evse=evse)
    page(desk, "unassign", own.pk, do="1")
    assert TariffAssignment.objects.filter(evse=evse, tariff=None).exists()
    theirs = make.site()
    assert page(desk, "assign", tariff.pk, site=theirs.pk).status_code == 422

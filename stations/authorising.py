"""Who may charge: looks up what is known of a token and a place, and asks `access` for the decision."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import F, Q
from django.db.models.functions import Greatest

from stations import access, events
from stations.certificates import emaid
from stations.models import Event, Evse, IdToken, Reservation, Session, Site, State, Station, TokenRules

if TYPE_CHECKING:
    from stations.sessions import Start

log = logging.getLogger(__name__)

#: A session that has told nothing for so long has most likely lost its stop.
SILENT = timedelta(hours=1)


def find_token(station: Station, token: str, kind: str = "") -> IdToken | None:
    """The operator's token that the station means; any text may come, none is an error."""
    if not token or "\x00" in token or len(token) > 255:
        return None
    operator_id = station.site.operator_id
    for spelling in access.spellings(token, kind):
        row = IdToken.objects.for_token(operator_id, spelling).with_places().first()
        if row is not None and access.same_type(row.type, kind):
            return row
    if contract := emaid.spellings(token):
        row = IdToken.objects.for_contract(operator_id, contract).with_places().first()
        return row if row is not None and access.same_type(row.type, kind) else None
    return None


def facts(row: IdToken | None, rules: TokenRules | None = None) -> access.Token | None:
    """The row as the decision wants it."""
    if row is None:
        return None
    rules = rules or TokenRules.of(row.operator_id)
    concurrent = row.concurrent_allowed
    if concurrent is None:
        # The portal itself hands these out and knows each start; a family may charge two cars with one app.
        concurrent = rules.concurrent_allowed or row.type == IdToken.Type.CENTRAL
    return access.Token(
        row.token,
        row.status,
        row.expires_at,
        row.group,
        row.user_id,
        type=row.type,
        status_since=row.status_since,
        status_before=row.status_before,
        concurrent_allowed=concurrent,
        is_master=bool(row.group) and row.group.upper() == rules.master_group.upper(),
        sites=frozenset(site.pk for site in row.sites.all()),
        evses=frozenset(evse.pk for evse in row.evses.all()),
        language=row.language,
        second_language=row.second_language,
        priority=row.priority,
        message=row.message,
    )


def keepings(evse: Evse, now: datetime) -> list[access.Keeping]:
    return [keeping(row) for row in Reservation.objects.keeping(evse, now).select_related("id_token")]


def keeping(row: Reservation) -> access.Keeping:
    return access.Keeping(
        row.id_token.token, row.id_token.group, row.user_id, row.ends_at, wire_group=row.wire_group
    )


def charges_elsewhere(row: IdToken | None, evse: Evse, now: datetime) -> bool:
    """Whether this card charges another car at this moment, as far as anybody can tell.

    A lost stop must not lock its driver out: a session doesn't count where its station is offline, its EVSE
    has been reported free since, or nothing has been heard of it for long.
    """
    if row is None:
        return False
    running = Session.objects.open().filter(id_token=row, station__connection__isnull=False)
    running = running.exclude(evse=evse)
    running = running.exclude(evse__state=State.AVAILABLE, evse__state_at__gt=F("start_received_at"))
    heard = running.annotate(heard_at=Greatest("start_received_at", "last_reading_at"))
    return heard.filter(heard_at__gt=now - SILENT).exists()


def authorize(
    *,
    station: Station,
    token: str,
    now: datetime,
    kind: str = "",
    evse_number: int | None = None,
    stopping: bool = False,
) -> access.Decision:
    """The answer to Authorize; without an EVSE (1.6) it is yes if the token may start on any of them.

    A master is accepted, so that the station lets it stop; that it never starts is decided at the start.
    With `stopping` only the token itself is looked at: whoever ends a session needs no free place.
    """
    found = without_card(station, token, kind)
    if found is not None:
        return found
    row = find_token(station, token, kind)
    known = facts(row)
    decision = access.may_charge(known, now=now)
    if not decision.allowed or stopping or known.is_master:
        return decision
    evses = station.evses.all() if evse_number is None else station.evses.filter(number=evse_number)
    decisions = {
        evse.number: access.may_start(
            known,
            now=now,
            keepings=keepings(evse, now),
            charging_elsewhere=charges_elsewhere(row, evse, now),
            place=access.Place(station.site_id, evse.pk),
        )
        for evse in evses.order_by("number")
    }
    if not decisions:
        return decision
    allowed = tuple(number for number, each in decisions.items() if each.allowed)
    if not allowed:
        # Why not here, said of the first; a card that is in use elsewhere still stops what it runs here.
        first = next(iter(decisions.values()))
        own = row is not None and first.verdict is access.Verdict.CONCURRENT_TX
        if own and Session.objects.open().filter(station=station, id_token=row).exists():
            return decision
        return first
    theirs = ("", decision.group)
    groups = (each.group for each in decisions.values() if each.allowed and each.group not in theirs)
    group = next(groups, decision.group)
    if known.evses and len(allowed) < len(decisions):
        return access.Decision(decision.verdict, "", group, known, allowed)
    return replace(decision, group=group)


def without_card(station: Station, token: str, kind: str) -> access.Decision | None:
    """The answer for tokens that stand for nobody; None where a token has to be looked up."""
    if kind == IdToken.Type.NONE and not token:
        if Site.objects.filter(pk=station.site_id, without_card=True).exists():
            return access.Decision(access.Verdict.ACCEPTED)
        return access.Decision(access.Verdict.INVALID, "This site does not charge without a card.")
    paying = kind == IdToken.Type.DIRECT_PAYMENT
    if paying and Site.objects.filter(pk=station.site_id, takes_payment=True).exists():
        return access.Decision(access.Verdict.ACCEPTED)
    return None


def is_late(station: Station, report: Start) -> bool:
    # The row, because a decision's station may be as old as its socket.
    connected_at = Station.objects.filter(pk=station.pk).values_list("connected_at", flat=True).first()
    return access.is_late(
        says_offline=report.offline,
        started_at=report.started_at,
        received_at=report.received_at,
        connected_at=connected_at,
    )


def decide_start(*, station: Station, evse: Evse, row: IdToken | None, report: Start) -> access.Decision:
    """Whether a start that was reported may go on, or, reported late, whether it was right."""
    found = without_card(station, report.token, report.token_type)
    if found is not None:
        return found
    where = access.Place(station.site_id, evse.pk)
    if is_late(station, report):
        return access.may_have_started(facts(row), started_at=report.started_at, place=where)
    return access.may_start(
        facts(row),
        now=report.received_at,
        keepings=keepings(evse, report.received_at),
        charging_elsewhere=charges_elsewhere(row, evse, report.received_at),
        place=where,
    )


def note_stopper(*, session: Session, token: str, kind: str, received_at: datetime) -> bool:
    """A stranger's stop is recorded like any other, and told to the operator. True if it was one."""
    if not token or token.upper() == session.token.upper():
        return False
    station = session.station
    if access.may_stop(facts(find_token(station, token, kind)), facts(session.id_token)):
        return False
    repeated = Q(code="StoppedByStranger", value=session.transaction_id)
    if Event.objects.filter(repeated, station=station).exists():
        return True
    events.record(
        [
            Event(
                station=station,
                evse=session.evse,
                kind=Event.Kind.SECURITY,
                code="StoppedByStranger",
                severity=5,
                at=session.stopped_at or received_at,
                received_at=received_at,
                text=f"The session was stopped with a card that has no part in it (…{token[-4:]}).",
                value=session.transaction_id,
            )
        ]
    )
    return True

"""Verify the signed values of an ended session, and what follows from it: its energy, or a hold."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from evportal.accounts.models import Operator, User
from stations import doubts, metering, signals
from stations.models import Evse, MeterKey, Session, Setting, SignedCheck, SignedValue
from stations.ocmf import judging, keys, record, transparency
from stations.ocmf.judging import Reason, Verdict

Status = MeterKey.Status

#: Where the law wants that drivers pay by verified values only (Germany: MessEG § 33).
LAW = frozenset({"DE"})
#: How chargers call their meters' keys: a 1.6 key with the connector's number, or a variable of an EVSE.
KEY_NAMES = re.compile(r"(?:Meter)?PublicKey(?:\[(\d+)\]|(\d+))?", re.IGNORECASE)
#: What another key can change; so many sessions are looked at again when one is confirmed.
ABOUT_KEYS = [Reason.NO_KEY, Reason.KEY_CHANGED, Reason.SIGNATURE, Reason.ALGORITHM]
MOST_WAITING = 200
#: Pages of one signer are looked for in so many of its station's texts around a session.
MOST_TEXTS = 500


@transaction.atomic
def verify(*, session: Session) -> SignedCheck | None:
    """The verdict on the session's signed values, kept as its one row; None where its meter never signs.

    A second run finds the same and changes nothing. Where the verdict changes what is owed or whether a
    person must look, the session's figures are settled anew.
    """
    session = Session.objects.select_for_update(of=("self",)).with_place().get(pk=session.pk)
    if session.is_open:
        return None
    values = list(session.signed_values.order_by("at", "pk"))
    told = learn(session.evse, values)
    if not values and not told and not _signs(session.evse):
        return None
    found = _judge(session, values)
    key = session.evse.meter_keys.filter(fingerprint=found.fingerprint).first() if found.fingerprint else None
    before = SignedCheck.objects.filter(session=session).first()
    fields = {
        "verdict": found.verdict.value,
        "reason": found.reason.value,
        "detail": found.detail,
        "notes": list(found.notes),
        "is_held": holds(found.verdict, session),
        "meter_key": key,
        "meter_serial": found.meter_serial[:100],
        "start_wh": found.start_wh,
        "stop_wh": found.stop_wh,
        "start_at": found.start_at,
        "stop_at": found.stop_at,
    }
    if before is not None and all(getattr(before, name) == value for name, value in fields.items()):
        return before
    check, _is_new = SignedCheck.objects.update_or_create(
        session=session, defaults=fields | {"checked_at": timezone.now()}
    )
    metering.settle(session)
    session.save(update_fields=metering.FIELDS)
    signals.after_commit(signals.signed_values_checked, check=check)
    return check


def holds(verdict: str, session: Session) -> bool:
    """Whether the bill waits for a person: always where the values are wrong, else as the operator wants."""
    if verdict == Verdict.GOOD:
        return False
    if verdict in judging.GRAVE:
        return True
    site = session.station.site
    choice = site.operator.unproven_meter_values
    if choice == Operator.UnprovenMeterValues.BY_LAW:
        return site.country in LAW
    return choice == Operator.UnprovenMeterValues.HOLD


def _signs(evse: Evse) -> bool:
    """Whether its meter is known to sign: by a key that somebody entered, or by earlier sessions."""
    return (
        evse.meter_keys.exclude(status=Status.RETIRED).exists()
        or SignedCheck.objects.filter(session__evse=evse, verdict=Verdict.GOOD).exists()
    )


def _judge(session: Session, values: list[SignedValue]) -> judging.Judgement:
    known = [
        judging.Key(row.key, row.status == Status.TRUSTED, row.status in (Status.TRUSTED, Status.LEARNED))
        for row in session.evse.meter_keys.exclude(status=Status.RETIRED)
    ]
    reckoned = metering.unsigned(session)
    plain = judging.Plain(
        session.started_at,
        session.stopped_at,
        reckoned.total_wh if reckoned.curve else None,
        doubts.SKEWED in session.flags,
    )
    texts = [(value.data, value.context) for value in values]
    is_used = (
        SignedValue.objects.filter(evse=session.evse, data__in={text for text, _context in texts})
        .exclude(session=session)
        .exclude(session=None)
        .exists()
    )
    found = judging.judge(texts, known, plain, is_used_before=is_used)
    if found.reason == Reason.GAP:
        # A signer with several outlets numbers all of them in one row.
        found = judging.judge(texts, known, plain, elsewhere=_pages(session, texts), is_used_before=is_used)
    return found


def _pages(session: Session, texts: list[tuple[str, str]]) -> frozenset[int]:
    serials = {_signer(text) for text, _context in texts}
    around = (session.started_at - judging.TIME_SLACK, session.stopped_at + judging.TIME_SLACK)
    others = SignedValue.objects.filter(evse__station=session.station_id, at__range=around).exclude(
        session=session
    )
    found = set()
    for text in others.values_list("data", flat=True)[:MOST_TEXTS]:
        try:
            one = record.parse(text)
        except record.NotOcmf:
            continue
        if (
            one.page is not None
            and one.context == "T"
            and one.gateway_serial
            and one.gateway_serial in serials
        ):
            found.add(one.page)
    return frozenset(found)


def _signer(text: str) -> str:
    try:
        return record.parse(text).gateway_serial
    except record.NotOcmf:
        return ""


# Keys


def learn(evse: Evse, values: Iterable[SignedValue] = ()) -> list[MeterKey]:
    """Keep the public keys that the charger tells; the first is used, a later one waits for a person."""
    found = []
    for text in dict.fromkeys([*(value.public_key for value in values), *_told(evse)]):
        try:
            fingerprint = keys.read(text).fingerprint
        except keys.Unreadable:
            continue
        has_other = evse.meter_keys.exclude(status=Status.RETIRED).exists()
        row, _is_new = MeterKey.objects.get_or_create(
            evse=evse,
            fingerprint=fingerprint,
            defaults={"key": text, "status": Status.CHANGED if has_other else Status.LEARNED},
        )
        if row.status != Status.RETIRED:
            found.append(row)
    return found


def _told(evse: Evse) -> list[str]:
    """From the station's settings: `MeterPublicKey[1]` (1.6), `FiscalMetering@1/PublicKey` (2.x)."""
    rows = Setting.objects.filter(station=evse.station_id).filter(
        Q(variable__istartswith="MeterPublicKey") | Q(variable__iexact="PublicKey")
    )
    found = []
    is_single = evse.station.evses.count() == 1
    for row in rows:
        named = KEY_NAMES.fullmatch(row.variable)
        if named is None or not row.value:
            continue
        number = int(
            row.evse or named[1] or named[2] or _digits(row.variable_instance) or _digits(row.instance) or 0
        )
        if number == evse.number or (number == 0 and is_single):
            found.append(row.value)
    return found


def _digits(text: str) -> str:
    return text if text.isascii() and text.isdigit() and len(text) < 6 else ""


@transaction.atomic
def confirm_key(*, key: MeterKey, by: User | None) -> MeterKey:
    """A person vouches for it: from now on values are checked with it; what was there before is retired."""
    Evse.objects.select_for_update(no_key=True).get(pk=key.evse_id)
    others = MeterKey.objects.filter(evse=key.evse_id).exclude(pk=key.pk)
    others.exclude(status=Status.RETIRED).update(status=Status.RETIRED)
    MeterKey.objects.filter(pk=key.pk).update(status=Status.TRUSTED, confirmed_by=by)
    key.refresh_from_db()
    waiting = SignedCheck.objects.filter(session__evse=key.evse_id, reason__in=ABOUT_KEYS)
    for check in waiting.select_related("session")[:MOST_WAITING]:
        # What was held for want of the key is looked at again, and its bill with it.
        signals.after_commit(
            signals.session_corrected,
            session=check.session,
            previous_energy_wh=check.session.energy_wh,
            previous_stopped_at=check.session.stopped_at,
        )
    return key


@transaction.atomic
def retire_key(*, key: MeterKey, by: User | None) -> MeterKey:
    """It is not believed any more, also if the charger tells it again."""
    MeterKey.objects.filter(pk=key.pk).update(status=Status.RETIRED, confirmed_by=by)
    key.refresh_from_db()
    return key


def enter_key(*, evse: Evse, text: str, note: str = "", by: User | None) -> MeterKey:
    """A person enters a meter's key. Raises `keys.Unreadable`."""
    fingerprint = keys.read(text).fingerprint
    with transaction.atomic():
        key, _is_new = MeterKey.objects.update_or_create(
            evse=evse,
            fingerprint=fingerprint,
            defaults={"note": note},
            create_defaults={"key": text, "note": note},
        )
        return confirm_key(key=key, by=by)


def plain_text(data: str) -> str:
    """An OCMF text without the transport's encoding; any other as it came."""
    try:
        return record.parse(data).text
    except record.NotOcmf:
        return data


def transparency_file(session: Session) -> bytes:
    """What the Transparenzsoftware opens: the session's texts, with the key that they are checked with."""
    values = session.signed_values.order_by("at", "pk").values_list("data", "context")
    return transparency.write(values, public_key(session))


def public_key(session: Session) -> str:
    """The key that fitted, or else the one that would be used; empty where none is known."""
    check = getattr(session, "signed_check", None)
    if check is not None and check.meter_key is not None:
        return check.meter_key.key
    known = session.evse.meter_keys.filter(status__in=[Status.TRUSTED, Status.LEARNED])
    # “trusted” after “learned”.
    row = known.order_by("-status", "-created_at").first()
    return row.key if row is not None else ""

"""What stations keep about a customer: asked for, collected, shown once, and forgotten (2.x block N)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from evportal.accounts.access import Access
from evportal.accounts.models import ApiKey, User
from stations import commands
from stations.exceptions import Refused
from stations.models import (
    Command,
    CustomerInformationPart,
    CustomerInquiry,
    IdToken,
    Message,
    Session,
    Station,
)
from stations.ocpp import spelling_maintenance

About, State = CustomerInquiry.About, CustomerInquiry.State

#: A station that is off is asked when it comes back within this time: forgetting can wait, but not be lost.
WAIT = timedelta(days=14)
MOST_PARTS = 1000
#: What remains of a frame whose content is nobody's any more.
FORGOTTEN = '[2,"","{action}",{{"forgotten":true}}]'


@transaction.atomic
def ask(
    *,
    station: Station,
    report: bool = False,
    clear: bool = False,
    id_token: IdToken | None = None,
    token: str = "",
    token_type: str = "ISO14443",
    identifier: str = "",
    certificate: dict | None = None,
    by: User | ApiKey | None = None,
    reason: str = "",
    keep_for: timedelta | None = None,
) -> CustomerInquiry:
    """Ask one station what it keeps about one customer (`report`), or to forget it (`clear`), or both.

    The customer is a token, a number or a certificate's hashes: one of the three. Raises `Refused`.
    """
    if id_token is not None:
        token, token_type = id_token.token, id_token.type
    if sum(map(bool, (token, identifier, certificate))) != 1:
        raise Refused("Name the customer by a card, a number or a certificate: one of the three.")
    if not (report or clear):
        raise Refused("Say whether the charger is to tell or to forget.")
    if station.ocpp_version in ("", "1.6"):
        raise Refused("Chargers of OCPP 1.6 know no customer information.")
    about = About.TOKEN if token else About.IDENTIFIER if identifier else About.CERTIFICATE
    name = token or identifier or str((certificate or {}).get("serialNumber", ""))
    inquiry = CustomerInquiry.objects.create(
        station=station,
        about=about,
        hint=f"…{name[-3:]}" if len(name) > 3 else "…",
        report=report,
        clear=clear,
        state_at=timezone.now(),
        created_by=by if isinstance(by, User) else None,
        api_key=by if isinstance(by, ApiKey) else None,
    )
    action, payload = spelling_maintenance.customer_information(
        inquiry.pk,
        report=report,
        clear=clear,
        token=token,
        token_type=str(token_type),
        identifier=identifier,
        certificate=certificate,
    )
    inquiry.command = commands.send(
        station=station,
        action=action,
        payload=payload,
        by=by,
        reason=reason or "customer information",
        keep_for=keep_for,
    )
    inquiry.save(update_fields=["command"])
    return inquiry


def clear(*, user: User, access: Access | None = None, **how) -> list[CustomerInquiry]:
    """Have every station where this driver charged forget them, now or when it comes back."""
    return ask_all(user=user, access=access, clear=True, **how)


def report(*, user: User, access: Access | None = None, **how) -> list[CustomerInquiry]:
    """Have every station where this driver charged tell what it keeps about them."""
    return ask_all(user=user, access=access, report=True, **how)


@transaction.atomic
def ask_all(*, user: User, access: Access | None = None, **how) -> list[CustomerInquiry]:
    """`report`, `clear` or both, at every station where this driver charged.

    `access` limits it to the sites where somebody may see drivers; None is the portal itself.

    1.6 stations keep lists of tokens only, which the portal sends and clears by itself.
    """
    sessions = Session.objects.filter(Q(user=user) | Q(id_token__user=user)).exclude(
        Q(station__ocpp_version="") | Q(station__ocpp_version="1.6")
    )
    if access is not None:
        sessions = sessions.filter(access.sites("view_drivers", "station__site"))
    told = sessions.exclude(token="").order_by("station", "token")
    pairs = set(told.values_list("station", "token", "id_token__type"))
    stations = Station.objects.in_bulk({station for station, _token, _type in pairs})
    return [
        ask(station=stations[pk], token=token, token_type=kind or "ISO14443", keep_for=WAIT, **how)
        for pk, token, kind in sorted(pairs, key=str)
    ]


def command_finished(command: Command) -> None:
    if command.action != "CustomerInformation":
        return
    mine = CustomerInquiry.objects.filter(command=command, state=State.REQUESTED)
    now = command.reached_at
    answer = (command.response or {}).get("status", "") if command.status == Command.Status.ANSWERED else ""
    if answer == "Accepted":
        mine.update(state=State.ACCEPTED, state_at=now)
    else:
        why = {
            "Invalid": "The charger does not understand who is meant.",
            "Rejected": "The charger refused.",
        }.get(answer, command.error_description or str(command.get_status_display()))
        mine.update(state=State.FAILED, state_at=now, problem=why[:200])


@transaction.atomic
def collect(
    *,
    station: Station,
    request_id: int,
    seq_no: int,
    data: str,
    is_last: bool,
    received_at: datetime,
) -> None:
    """One part of an answer; in any order, and twice if the station likes. Unasked ones are not kept."""
    inquiry = CustomerInquiry.objects.select_for_update().filter(pk=request_id, station=station).first()
    wanted = (State.REQUESTED, State.ACCEPTED, State.FAILED)
    if inquiry is None or inquiry.state not in wanted or not 0 <= seq_no < MOST_PARTS:
        return
    CustomerInformationPart.objects.get_or_create(
        inquiry=inquiry, seq_no=seq_no, defaults={"data": data.replace("\x00", ""), "is_last": is_last}
    )
    if is_whole(inquiry):
        CustomerInquiry.objects.filter(pk=inquiry.pk).update(
            state=State.ANSWERED, state_at=received_at, problem=""
        )


def is_whole(inquiry: CustomerInquiry) -> bool:
    """Whether every part from the first to the one that calls itself the last is there."""
    parts = dict(inquiry.parts.values_list("seq_no", "is_last"))
    ends = [number for number, is_last in parts.items() if is_last]
    return bool(ends) and set(range(max(ends) + 1)) <= set(parts)


@transaction.atomic
def show(*, inquiry: CustomerInquiry) -> str | None:
    """The answer, once: whoever gets it has the only copy. None where it was shown or is not here."""
    won = CustomerInquiry.objects.filter(pk=inquiry.pk, state=State.ANSWERED).update(
        state=State.SHOWN, state_at=timezone.now()
    )
    if not won:
        return None
    text = "".join(inquiry.parts.order_by("seq_no").values_list("data", flat=True))
    _forget(inquiry)
    return text


def _forget(inquiry: CustomerInquiry) -> None:
    """The parts, and what the call and the message log say of them."""
    inquiry.parts.all().delete()
    if inquiry.command_id:
        Command.objects.filter(pk=inquiry.command_id).update(payload={"requestId": inquiry.pk})
        Message.objects.filter(
            command=inquiry.command_id, station=inquiry.station_id, at__gte=inquiry.created_at
        ).filter(action="CustomerInformation").update(frame=FORGOTTEN.format(action="CustomerInformation"))
    Message.objects.filter(
        station=inquiry.station_id,
        action="NotifyCustomerInformation",
        at__gte=inquiry.created_at,
        frame__regex=rf'"requestId"\s*:\s*{inquiry.pk}\D',
    ).update(frame=FORGOTTEN.format(action="NotifyCustomerInformation"))


def purge(now: datetime) -> int:
    """Forget what nobody came for, and who was meant, when its time is over."""
    # One whose call may still wait for its station is young, however old it is.
    old = CustomerInquiry.objects.filter(
        state_at__lt=now - timedelta(days=settings.CUSTOMER_INFORMATION_KEEP_DAYS)
    ).exclude(state__in=[State.SHOWN, State.EXPIRED, State.REQUESTED])
    count = 0
    for inquiry in old[:500]:
        with transaction.atomic():
            won = CustomerInquiry.objects.filter(pk=inquiry.pk, state=inquiry.state).update(
                state=State.EXPIRED, state_at=now
            )
            if won:
                _forget(inquiry)
                count += 1
    return count

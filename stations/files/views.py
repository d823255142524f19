"""`/files/…`: where stations fetch firmware and leave logs. The token in the address is the whole right."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseNotAllowed
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from evportal.limits import network_of, too_often
from stations import logs
from stations.files import receiving, streams, tickets

log = logging.getLogger(__name__)

#: Wrong tokens per address and minute, and uses of one good token: far more than any charger needs.
MISSES, USES = 30, 240


def _plain(status: int, text: str, **headers) -> HttpResponse:
    return HttpResponse(f"{text}\n", status=status, content_type="text/plain; charset=utf-8", headers=headers)


def _address(request) -> str | None:
    return request.META.get("REMOTE_ADDR") or None


def _find(request, token: str):
    """(ticket, None) or (None, the answer). Wrong tokens are counted; a right one is never locked out."""
    ticket = tickets.find(token)
    if ticket is None:
        if too_often(f"files miss {network_of(request)}", most=MISSES, seconds=60):
            return None, _plain(429, "Too many wrong addresses. Wait a minute.", **{"Retry-After": "60"})
        return None, _plain(404, "There is no file here, or its time is over.")
    if too_often(f"files use {ticket.pk}", most=USES, seconds=60):
        return None, _plain(429, "Too many requests. Wait a minute.", **{"Retry-After": "60"})
    return ticket, None


@csrf_exempt
def firmware_file(request, token: str, name: str):
    """Firmware for one station; whole or in ranges, as often as it must come back within the time."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    ticket, answer = _find(request, token)
    if answer is not None:
        return answer
    image = ticket.image
    if image is None or not image.file:
        return _plain(404, "There is no file here, or its time is over.")
    if request.method == "GET" and not tickets.use(ticket, _address(request)):
        return _plain(404, "There is no file here, or its time is over.")
    return streams.send(
        request,
        image.file,
        name=tickets.safe_name(image.name, "firmware.bin"),
        size=image.size,
        etag=image.sha256,
        done=lambda count: tickets.add_bytes(ticket.pk, count),
    )


@csrf_exempt
def upload(request, token: str, name: str = ""):
    """A log from one station, by PUT or POST, raw or as a form."""
    if request.method not in ("PUT", "POST"):
        return HttpResponseNotAllowed(["PUT", "POST"])
    ticket, answer = _find(request, token)
    if answer is not None:
        return answer
    wanted = ticket.log_request
    if wanted is None:
        return _plain(404, "There is no file here, or its time is over.")
    most = settings.LOG_MAX_MB * 1024 * 1024
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > most:
        return _plain(413, f"At most {settings.LOG_MAX_MB} MB may be left here.")
    if not tickets.use(ticket, _address(request)):
        return _plain(409, "A file was left here already.")
    try:
        pieces, own_name = receiving.body(request)
        logs.store(request=wanted, ticket=ticket, pieces=pieces, name=name or own_name)
    except streams.TooLarge:
        return _plain(413, f"At most {settings.LOG_MAX_MB} MB may be left here.")
    except logs.NotWanted as refusal:
        return _plain(409, str(refusal))
    except (logs.Empty, BadRequest, UnreadablePostError) as problem:
        # The connection broke or the form is no form; a retry may do better.
        log.info("Upload for log request %s of station %s failed: %s", wanted.pk, wanted.station_id, problem)
        return _plain(400, "The upload can't be read.")
    return _plain(201, "Thank you.")

"""What anybody may ask about certificates of the built-in authority: OCSP and the revocation lists."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from stations.certificates import crl, ocsp
from stations.models import Authority

MAX_REQUEST = 10_000


@csrf_exempt
@require_http_methods(["GET", "POST"])
def responder(request, encoded: str = ""):
    """RFC 6960 appendix A: the request is the body of a POST, or in the address of a GET."""
    if request.method == "POST":
        body = request.read(MAX_REQUEST + 1)
    else:
        try:
            body = base64.b64decode(unquote(encoded), validate=True)
        except (binascii.Error, ValueError):
            body = b""
    if len(body) > MAX_REQUEST:
        body = b""
    return HttpResponse(ocsp.respond(body, timezone.now()), content_type=ocsp.CONTENT_TYPE)


@require_GET
def revocation_list(request, purpose: str):
    if not Authority.objects.filter(purpose=purpose).exists():
        raise Http404
    response = HttpResponse(crl.publish(purpose, timezone.now()), content_type=crl.CONTENT_TYPE)
    response["Cache-Control"] = "public, max-age=3600"
    return response

"""Take the file out of a station's upload, however it sends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django.core.exceptions import BadRequest
from django.http.multipartparser import MultiPartParserError

from stations.files.streams import CHUNK


def body(request) -> tuple[Iterable[bytes], str]:
    """(pieces, name) of a raw body or of the first file in a form; some chargers do one, some the other."""
    if request.method == "POST" and request.content_type == "multipart/form-data":
        try:
            files = list(request.FILES.values())
        except MultiPartParserError:
            raise BadRequest("The form can't be read.") from None
        if not files:
            raise BadRequest("There is no file in the form.")
        return files[0].chunks(CHUNK), files[0].name or ""
    if request.method == "PUT" and request.content_type == "multipart/form-data":
        try:
            _fields, parsed = request.parse_file_upload(request.META, request)
        except MultiPartParserError:
            raise BadRequest("The form can't be read.") from None
        files = list(parsed.values())
        if not files:
            raise BadRequest("There is no file in the form.")
        return files[0].chunks(CHUNK), files[0].name or ""
    return _raw(request), ""


def _raw(request) -> Iterator[bytes]:
    while piece := request.read(CHUNK):
        yield piece

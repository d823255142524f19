"""The feeds' addresses: whoever has one reads along, nobody is signed in."""

from hashlib import sha256

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from bookings import feeds
from evportal.accounts.access import Access


@require_safe
def my_calendar(request):
    feed = feeds.find(request.GET.get("token", "")[:100])
    if feed is None:
        raise Http404
    return _calendar(request, feeds.of_driver(feed.user, timezone.now()))


@require_safe
def site_calendar(request, site_id: int, token: str):
    feed = feeds.find(token, site_id=site_id)
    if feed is None or feed.site is None:
        raise Http404
    return _calendar(request, feeds.of_site(feed.site, Access.of(feed.user), timezone.now()))


def _calendar(request, text: str):
    """304 where the program already has it."""
    etag = f'"{sha256(text.encode()).hexdigest()[:32]}"'
    response = get_conditional_response(request, etag=etag) or HttpResponse(
        text, content_type="text/calendar; charset=utf-8"
    )
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    # The address is a secret: it goes neither into a search engine nor to where a link leads.
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "no-referrer"
    return response

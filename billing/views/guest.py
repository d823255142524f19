"""Charging without an account: pay at the charger's page, come back by a link, find a lost receipt."""

from django.conf import settings
from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from billing import finding
from billing.actions import guests as actions
from billing.actions.accounts import save_account
from billing.exceptions import ProviderDown
from billing.forms_guest import FindReceiptForm, GuestAccountForm
from billing.models import Account, Invoice, Start
from billing.views import scan, visitors
from billing.views.charger import public_evse
from billing.views.session import linked_session
from evportal import limits
from evportal.accounts import guests
from evportal.accounts.models import User
from stations import paying
from stations.exceptions import Refused
from stations.models import Evse, Session

TEN_MINUTES, HOUR = 600, 3600
#: Searches for a receipt in an hour: from one address, and for one day at one charger or of one amount.
SEARCHES, SEARCHES_OF_ONE = 10, 20


@require_POST
def start(request, public_id):
    """The one button: to the provider's page, or where charging is free straight to the charger."""
    evse = public_evse(public_id)
    back = reverse("billing:charger", args=[evse.public_id])
    now = timezone.now()
    if not settings.GUEST_STARTS_PER_ADDRESS:
        messages.error(request, _("Charging without an account is not offered here."))
        return redirect(back)
    if not scan.may_use(request, evse, now):
        messages.error(request, str(scan.NotScanned()))
        return redirect(back)
    try:
        begun = _resumed(request, evse)
        if begun is None:
            if limits.too_often(
                f"guests from {limits.network_of(request)}",
                most=settings.GUEST_STARTS_PER_ADDRESS,
                seconds=TEN_MINUTES,
            ):
                messages.error(request, _("Too many charges were begun from here. Wait a few minutes."))
                return redirect(back)
            begun = actions.begin(evse=evse, language=_language(), now=now)
            visitors.remember(request, begun.start.user.guest)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(back)
    if begun.page_url:
        paying.payment_started(evse=evse)
        return redirect(begun.page_url)
    return redirect("billing:starting", begun.start.pk)


def _resumed(request, evse: Evse) -> actions.Begun | None:
    """What this browser has begun here already: a second tap or tab pays nothing twice."""
    known = Start.objects.open().filter(evse=evse, user__in=visitors.guests_of(request))
    begun = known.select_related("payment", "user__guest", "evse").last()
    return actions.resume(start=begun) if begun is not None else None


def _language() -> str:
    language = get_language() or "en"
    return language if language in dict(settings.LANGUAGES) else "en"


@require_safe
@never_cache
def enter(request, token):
    """A guest's link, also the way back from the provider's page: on to wherever their charge stands."""
    guest = guests.of_token(token)
    if guest is None:
        return render(request, "billing/link_ended.html", {"title": _("This link has ended")}, status=410)
    visitors.remember(request, guest)
    return redirect(_place(request, guest.user))


def _place(request, user: User) -> str:
    session = Session.objects.filter(user=user).order_by("started_at").last()
    if session is not None:
        return reverse("billing:session" if session.is_open else "billing:receipt", args=[session.link])
    start = Start.objects.select_related("payment", "evse").filter(user=user).order_by("created_at").last()
    if start is None:
        # A charge that never came about, long ago.
        return "/"
    try:
        actions.look(start=start)
    except ProviderDown:
        pass
    except Refused as refusal:
        messages.error(request, str(refusal))
    if start.state == Start.State.PAYING and "back" in request.GET:
        messages.info(request, _("You have not paid, so nothing has started and nothing was charged."))
        return reverse("billing:charger", args=[start.evse.public_id])
    return reverse("billing:starting", args=[start.pk])


@require_http_methods(["GET", "HEAD", "POST"])
def details(request, link):
    """Company, address and VAT id for a guest's one invoice."""
    session = linked_session(link)
    user = session.user
    if user is None or not user.is_guest or not visitors.is_own(request, user.pk):
        raise Http404
    back = reverse("billing:receipt", args=[link])
    account = Account.objects.filter(user=user).first() or Account(user=user)
    form = GuestAccountForm(request.POST or None, instance=account)
    if request.method == "POST" and form.is_valid():
        save_account(account=form.instance)
        is_issued = Invoice.objects.filter(cdr__session=session).exists()
        messages.success(
            request,
            _("Your details are saved. Your invoice can be issued anew with them below.")
            if is_issued
            else _("Your details are saved. They will be on your invoice."),
        )
        return redirect(back)
    context = {"title": _("Details for your invoice"), "form": form, "back": back}
    return render(request, "billing/guest_details.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def find_receipt(request):
    """For who has lost the link: it is mailed to the address that came with the payment."""
    form = FindReceiptForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        facts = form.facts
        about = f"{facts.day} {facts.charger.lower() or facts.amount}"
        if limits.too_often(
            f"receipts from {limits.network_of(request)}", most=SEARCHES, seconds=HOUR
        ) or limits.too_often(f"receipts of {about}", most=SEARCHES_OF_ONE, seconds=HOUR):
            form.add_error(None, _("Too many searches. Try again in an hour."))
            return _found(request, form, status=429)
        session = finding.find(facts=facts, today=timezone.now().date())
        if session is not None:
            return redirect("billing:receipt", session.link)
        # The same words whether there is such a charge or not.
        return _found(request, form, searched=True)
    return _found(request, form, status=422 if form.errors else 200)


def _found(request, form, *, searched: bool = False, status: int = 200):
    context = {"title": _("Find a receipt"), "form": form, "searched": searched}
    return render(request, "billing/find_receipt.html", context, status=status)

"""The demo's mail box: what the portal sent, newest first."""

from django.shortcuts import render

from evportal.outbox.models import SentMail


def sent(request):
    return render(request, "outbox/sent.html", {"mails": SentMail.objects.all()[:50]})

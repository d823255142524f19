"""Mail to send, and mail that went."""

from django.db import models
from django.db.models import Q


class Mail(models.Model):
    """One message to one person, written in the transaction of what it reports; a task sends it.

    `key` says what it is about (“invoice 4711”), so that telling somebody twice is impossible.
    """

    key = models.CharField(max_length=160, unique=True)
    to = models.EmailField()
    subject = models.CharField(max_length=200)
    text = models.TextField()
    #: [{"name": …, "type": …, "source": "<app>.<what>", "id": …}]: made when it is sent, not kept twice.
    attachments = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    #: News that is worth nothing later (an offer, a reminder) isn't sent after this.
    expires_at = models.DateTimeField(null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["created_at"], condition=Q(sent_at=None), name="mail_to_send")]

    def __str__(self):
        return f"{self.subject} → {self.to}"


class SentMail(models.Model):
    """What left the portal, of whatever origin; the demo shows it instead of a mail box."""

    sent_at = models.DateTimeField(auto_now_add=True)
    to = models.CharField(max_length=400)
    sender = models.CharField(max_length=200)
    subject = models.CharField(max_length=300)
    text = models.TextField()
    attachment_names = models.JSONField(default=list)

    class Meta:
        ordering = ["-sent_at"]

    def __str__(self):
        return f"{self.subject} → {self.to}"

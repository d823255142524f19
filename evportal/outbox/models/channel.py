"""Ways beside e-mail to reach a person, what goes over them, and which news somebody wants where."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from evportal.outbox import sealing


class SealedAddress(models.Model):
    """Where something is sent. Whoever has it can write there, so it lies here sealed."""

    sealed_address = models.TextField(editable=False)

    class Meta:
        abstract = True

    @property
    def address(self) -> dict:
        return sealing.opened(self.sealed_address)

    @address.setter
    def address(self, value: dict) -> None:
        self.sealed_address = sealing.sealed(value)


class Channel(SealedAddress):
    """A person's own way to be told; used once the code that was sent over it has been entered.

    The address is as good as a key (whoever has it can write there), so it lies here sealed, and people are
    shown `shown`, which tells two channels apart and no more.
    """

    class Kind(models.TextChoices):
        NTFY = "ntfy", _("ntfy")
        TELEGRAM = "telegram", _("Telegram")
        SMS = "sms", _("SMS")
        SERVICE = "service", _("Messenger or push service")
        WEBHOOK = "webhook", _("Webhook")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="channels")
    kind = models.CharField(max_length=10, choices=Kind)
    shown = models.CharField(max_length=120)
    code = models.CharField(max_length=6, blank=True, editable=False)
    code_tries = models.PositiveSmallIntegerField(default=0, editable=False)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self):
        return f"{self.get_kind_display()} {self.shown}"


class ChannelMessage(models.Model):
    """One piece of news over one channel, written in the transaction of what it reports; a task sends it.

    `key` says what it is about, and `next_at` when it is tried next: a claim puts it off, so that a worker
    that dies leaves it to the next one.
    """

    key = models.CharField(max_length=180, unique=True)
    channel = models.ForeignKey(Channel, models.CASCADE, related_name="messages")
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    url = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    #: News that is worth nothing later (an offer, a reminder) isn't sent after this.
    expires_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(sent_at=None) | Q(given_up_at=None), name="a_sent_message_is_not_given_up"
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_at"], condition=Q(sent_at=None, given_up_at=None), name="messages_to_send"
            )
        ]

    def __str__(self):
        return f"{self.title} → {self.channel}"


class Wish(models.Model):
    """That somebody wants, or doesn't want, one kind of news over one channel; without one the topic's
    own default holds. No channel means e-mail."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="wishes")
    topic = models.CharField(max_length=40)
    channel = models.ForeignKey(Channel, models.CASCADE, null=True, blank=True, related_name="wishes")
    wanted = models.BooleanField()

    class Meta:
        verbose_name_plural = "wishes"
        ordering = ["user", "topic"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "topic", "channel"],
                nulls_distinct=False,
                name="one_wish_for_each_topic_and_channel",
            )
        ]

    def __str__(self):
        return f"{self.topic}: {'yes' if self.wanted else 'no'}"

"""Channels beside mail: proved before they are used, sealed, sent to once, and to nobody's own network."""

import json
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import time_machine
from django.conf import settings
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from evportal.outbox import actions, channels, guard, sealing, sending, tasks, topics
from evportal.outbox.channels import ChannelRefused
from evportal.outbox.models import Channel, ChannelMessage, Mail, Wish
from tests import make

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def server():
    """A server of ours that notes what it is sent, and answers with `server.status`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.got.append((self.path, json.loads(body), dict(self.headers)))
            self.send_response(heard.status)
            for name, value in heard.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_args):
            pass

    heard = HTTPServer(("127.0.0.1", 0), Handler)
    heard.got, heard.status, heard.headers = [], 200, {}
    heard.host = f"127.0.0.1:{heard.server_port}"
    heard.url = f"http://{heard.host}"
    Thread(target=heard.serve_forever, args=(0.02,), daemon=True).start()
    with override_settings(NOTIFY_ALLOWED_HOSTS=[heard.host]):
        yield heard
    heard.shutdown()
    heard.server_close()


def ntfy(server, **fields):
    return {"server": server.url, "topic": "my-own-topic", "token": "", **fields}


def added(server, user=None, confirmed=True, **fields):
    channel = channels.add(
        user=user or make.user(password=""), kind="ntfy", address=ntfy(server, **fields), now=timezone.now()
    )
    if confirmed:
        channels.confirm(channel=channel, code=channel.code, now=timezone.now())
        ChannelMessage.objects.all().delete()
    return channel


def send_all():
    for pk in list(ChannelMessage.objects.values_list("pk", flat=True)):
        tasks.send_message(pk)


def tell(user, topic="waitlist.offer", key="news 1", **more):
    actions.notify(
        user=user,
        topic=topic,
        key=key,
        template="bookings/mail/waitlist_over",
        context={"site": make.site(name="Am Hof"), "why": "nothing", "url": "https://portal.example/w/1/"},
        **more,
    )


class TestSending:
    def test_news_go_over_every_channel_once(self, server):
        user = make.user()
        added(server, user, token="tk_1")
        for _twice in range(2):
            tell(user)
        send_all()
        send_all()
        ((path, body, headers),) = server.got
        assert (path, body["topic"], body["title"]) == ("/", "my-own-topic", "Waitlist ended: Am Hof")
        assert body["click"] == "https://portal.example/w/1/" and "sorry" in body["message"]
        assert headers["Authorization"] == "Bearer tk_1" and headers["Host"] == server.host
        assert Mail.objects.get().to == user.email

    def test_a_server_that_is_down_is_asked_again_later_and_not_for_ever(self, server):
        user = make.user()
        added(server, user)
        server.status = 503
        tell(user)
        row = ChannelMessage.objects.get()
        with time_machine.travel(timezone.now(), tick=False) as clock:
            for _number in range(tasks.CHANNEL_ATTEMPTS + 3):
                tasks.send_message(row.pk)
                tasks.send_message(row.pk)  # Not before its time.
                row.refresh_from_db()
                clock.move_to(max(row.next_at, timezone.now()))
        assert len(server.got) == tasks.CHANNEL_ATTEMPTS
        assert row.given_up_at and "503" in row.error and row.sent_at is None

    def test_what_is_refused_is_not_tried_again(self, server):
        channel = added(server)
        server.status = 403
        tell(channel.user)
        send_all()
        assert ChannelMessage.objects.get().given_up_at
        assert "403" in channels.last_problem(channel)

    def test_a_redirect_is_not_followed(self, server):
        channel = added(server)
        server.status, server.headers = 302, {"Location": f"{server.url}/elsewhere"}
        tell(channel.user)
        send_all()
        assert [path for path, _body, _headers in server.got] == ["/"]
        assert ChannelMessage.objects.get().sent_at is None

    def test_a_worker_that_died_leaves_it_to_the_next(self, server):
        channel = added(server)
        tell(channel.user)
        row = ChannelMessage.objects.get()
        ChannelMessage.objects.update(next_at=timezone.now() + tasks.CLAIM, attempts=1)
        tasks.send_message(row.pk)
        assert not server.got
        with time_machine.travel(timezone.now() + tasks.CLAIM + MINUTE):
            tasks.send_message(row.pk)
        assert len(server.got) == 1

    def test_what_is_worth_nothing_any_more_is_not_sent(self, server):
        channel = added(server)
        tell(channel.user, expires_at=timezone.now() - MINUTE)
        send_all()
        tasks.send_mail(Mail.objects.get().pk)
        assert not server.got and Mail.objects.get().attempts == 0

    def test_what_is_no_longer_true_is_taken_back(self, server):
        channel = added(server)
        tell(channel.user, key="offer 7")
        tell(channel.user, key="offer 77")
        actions.withdraw(key="offer 7")
        assert Mail.objects.get().key == "offer 77"
        assert ChannelMessage.objects.get().key.startswith("offer 77 ")

    def test_a_webhook_gets_json(self, server):
        sending.send(kind="webhook", address={"url": f"{server.url}/in?x=1"}, title="T", text="X", url="U")
        ((path, body, _headers),) = server.got
        assert (path, body) == ("/in?x=1", {"title": "T", "text": "X", "url": "U"})

    def test_telegram_goes_through_apprise(self, server, monkeypatch):
        from apprise.plugins.telegram import NotifyTelegram

        monkeypatch.setattr(NotifyTelegram, "notify_url", f"{server.url}/bot")
        with override_settings(NOTIFY_TELEGRAM_BOT="123456789:abcdefg_hijklmnop"):
            sending.send(kind="telegram", address={"chat": "12315544"}, title="T", text="Text", url="U")
        path, body, _headers = server.got[-1]
        assert path == "/bot123456789:abcdefg_hijklmnop/sendMessage"
        assert str(body["chat_id"]) == "12315544" and "Text" in body["text"] and "U" in body["text"]

    def test_without_an_account_of_the_portal_there_is_no_sms(self):
        with pytest.raises(sending.NotSent) as refused:
            sending.send(kind="sms", address={"number": "+4915155"}, title="T", text="X", url="U")
        assert refused.value.final


class TestTheGuard:
    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1/",
            "http://localhost:8000/",
            "http://10.1.2.3/",
            "http://169.254.169.254/latest/meta-data/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[fd00::1]/",
            "http://0.0.0.0/",
            "http://2130706433/",
            "http://100.64.0.1/",
        ],
    )
    def test_private_networks_are_not_asked(self, url):
        with pytest.raises(guard.Unreachable) as refused:
            guard.post(url, content=b"", headers={})
        assert refused.value.final

    @pytest.mark.parametrize(
        "url", ["file:///etc/passwd", "gopher://x/", "http://a@b/", "http:///", "http://[/"]
    )
    def test_odd_addresses_are_not_asked(self, url):
        with pytest.raises(guard.Unreachable):
            guard.post(url, content=b"", headers={})

    def test_a_name_with_one_private_address_is_refused(self, monkeypatch):
        monkeypatch.setattr(guard, "_resolve", lambda _host, _port: ["93.184.216.34", "10.0.0.1"])
        with pytest.raises(guard.Unreachable, match="may not be asked"):
            guard.post("https://rebinding.example/", content=b"", headers={})

    def test_the_connection_goes_to_the_address_that_was_checked(self, server, monkeypatch):
        answers = [["127.0.0.1"], ["10.0.0.1"]]
        monkeypatch.setattr(guard, "_resolve", lambda _host, _port: answers.pop(0))
        with override_settings(NOTIFY_ALLOWED_HOSTS=["named.example"]):
            guard.post(f"http://named.example:{server.server_port}/", content=b"{}", headers={})
        assert server.got[0][2]["Host"] == f"named.example:{server.server_port}" and len(answers) == 1

    @pytest.mark.parametrize(
        "address",
        [
            "json://127.0.0.1/",
            "xml://example.com/",
            "ntfy://10.0.0.1/topic",
            "mailto://user:pass@example.com",
            "form://localhost",
            "syslog://",
            "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js?template=/etc/passwd",
            "pover://",
            "slack",
        ],
    )
    def test_only_services_with_an_address_of_their_own(self, address):
        with pytest.raises(ChannelRefused):
            channels.check("service", {"address": address})

    def test_every_service_that_is_offered_is_known_to_apprise(self):
        from apprise.manager_plugins import NotificationManager

        assert set(sending.SERVICES) <= set(NotificationManager().schemas())


class TestChannels:
    def test_the_address_is_sealed_and_shown_masked(self, server):
        channel = added(server, token="tk_secret")
        row = str(Channel.objects.values().get())
        assert "my-own-topic" not in row and "tk_secret" not in row
        assert channel.shown == "my…ic @ 127.0.0.1" and channel.address["token"] == "tk_secret"
        shown = channels.check("service", {"address": "pover://" + "u" * 30 + "@" + "t" * 30})
        assert shown.startswith("Pushover") and "uuu" not in shown and "ttt" not in shown

    def test_an_old_secret_key_still_opens(self):
        text = sealing.sealed({"a": 1})

        with override_settings(
            SECRET_KEY="another key, long enough", SECRET_KEY_FALLBACKS=[settings.SECRET_KEY]
        ):
            assert sealing.opened(text) == {"a": 1}

    def test_nothing_goes_over_it_before_the_code_is_entered(self, server):
        channel = added(server, confirmed=False)
        tell(channel.user)
        send_all()
        ((_path, body, _headers),) = server.got
        assert channel.code in body["title"]
        with pytest.raises(ChannelRefused, match="not the code"):
            channels.confirm(channel=channel, code="nope", now=timezone.now())
        channels.confirm(channel=channel, code=f" {channel.code} ", now=timezone.now())
        assert Channel.objects.get().confirmed_at and not Channel.objects.get().code

    def test_codes_are_not_guessed_and_grow_old(self, server):
        channel = added(server, confirmed=False)
        right = channel.code
        for _number in range(channels.CODE_TRIES):
            with pytest.raises(ChannelRefused):
                channels.confirm(channel=channel, code="wrong", now=timezone.now())
        with pytest.raises(ChannelRefused, match="used up"):
            channels.confirm(channel=channel, code=right, now=timezone.now())
        channels.send_code(channel=channel, now=timezone.now())
        with pytest.raises(ChannelRefused, match="used up"):
            channels.confirm(channel=channel, code=channel.code, now=timezone.now() + 2 * channels.CODE_LIVES)

    def test_nobody_is_bothered_through_us(self, server):
        channel = added(server, confirmed=False)
        with pytest.raises(ChannelRefused, match="enough"):
            for number in range(channels.TESTS_AN_HOUR + 1):
                channels.send_code(channel=channel, now=timezone.now() + timedelta(seconds=number))
        assert ChannelMessage.objects.count() == channels.TESTS_AN_HOUR

    def test_only_so_many(self, server, monkeypatch):
        monkeypatch.setattr(channels, "MOST", 1)
        channel = added(server)
        with pytest.raises(ChannelRefused, match="as many"):
            added(server, channel.user)

    def test_choices_decide(self, server):
        user = make.user()
        channel = added(server, user)
        mail_only = {(topic.name, None) for topic in topics.of(user)}
        channels.choose(user=user, wanted=mail_only)
        assert actions.ways(user, "waitlist.offer") == (True, [])
        channels.choose(user=user, wanted={("waitlist.offer", channel.pk)})
        assert actions.ways(user, "waitlist.offer") == (False, [channel])
        # What is told of appointments and of money always comes by mail.
        assert actions.ways(user, "booking.cancelled") == (True, [])
        tell(user)
        assert not Mail.objects.exists() and ChannelMessage.objects.count() == 1

    def test_nothing_to_somebody_who_stands_for_nobody(self, server):
        tell(make.user(email="bookings@operator.invalid"))
        assert not Mail.objects.exists()

    def test_in_the_persons_language(self):
        tell(make.user(language="de"))
        assert "Am Hof" in Mail.objects.get().subject and "Waitlist ended" not in Mail.objects.get().subject


class TestPages:
    @pytest.fixture
    def driver(self, client):
        user = make.user()
        client.force_login(user, "django.contrib.auth.backends.ModelBackend")
        return user

    def test_add_confirm_try_and_remove(self, client, driver, server):
        url = reverse("me:add_channel", args=["ntfy"])
        answer = client.post(url, {"topic": "my-own-topic", "server": server.url})
        channel = Channel.objects.get()
        assert answer.url == reverse("me:confirm_channel", args=[channel.pk])
        assert client.post(answer.url, {"code": "000"}).status_code == 422
        assert client.post(answer.url, {"code": channel.code}).url == reverse("me:notifications")
        client.post(reverse("me:test_channel", args=[channel.pk]))
        send_all()
        assert "A test from evportal" in [body["title"] for _path, body, _headers in server.got]
        shown = client.get(reverse("me:notifications")).content.decode()
        assert "my…ic @ 127.0.0.1" in shown and "my-own-topic" not in shown
        client.post(reverse("me:remove_channel", args=[channel.pk]))
        assert not Channel.objects.exists()

    @pytest.mark.parametrize(
        ("kind", "data"),
        [
            ("ntfy", {"topic": "t", "server": "http://10.0.0.1"}),
            ("ntfy", {"topic": "no spaces", "server": "https://ntfy.sh"}),
            ("webhook", {"url": "http://169.254.169.254/latest"}),
            ("service", {"url": "json://localhost"}),
            ("service", {}),
        ],
    )
    def test_what_cannot_be_used_is_said_and_changes_nothing(self, client, driver, kind, data):
        assert client.post(reverse("me:add_channel", args=[kind]), data).status_code == 422
        assert not Channel.objects.exists()

    def test_sms_only_where_the_portal_can(self, client, driver):
        url = reverse("me:add_channel", args=["sms"])
        assert client.get(url).status_code == 404
        with override_settings(NOTIFY_SMS_URL="twilio://AC1:t@15551234567/{to}"):
            assert client.post(url, {"number": "0151 555"}).status_code == 422
            assert client.post(url, {"number": "0049 151 5550123"}).status_code == 302
        assert Channel.objects.get().address == {"number": "+491515550123"}

    def test_choices_are_kept(self, client, driver):
        data = {"remind_minutes": "15", "language": "de", "booking.reminder:mail": "1"}
        client.post(reverse("me:notifications"), data)
        driver.refresh_from_db()
        assert (driver.language, driver.booking_choice.remind_minutes) == ("de", 15)
        wanted = set(Wish.objects.filter(user=driver, wanted=True).values_list("topic", flat=True))
        assert "booking.reminder" in wanted and "waitlist.offer" not in wanted
        assert client.post(reverse("me:notifications"), {"remind_minutes": "7"}).status_code == 422

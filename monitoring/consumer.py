"""`/live/?watch=…`: carries to one browser what its viewer may see, for as long as they may."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from urllib.parse import parse_qs

from channels.auth import get_user
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone, translation
from django.utils.module_loading import import_string

from evportal.accounts.access import Access
from monitoring import live, watching

log = logging.getLogger(__name__)

MALFORMED, REFUSED, TOO_MANY, CHANGED = 4400, 4403, 4429, 4409
#: live.js takes a socket for dead that says nothing for 45 seconds.
HEARTBEAT_SECONDS = 15
#: Roles and sign-in are looked at again after so many heartbeats, whether or not somebody told us.
RECHECK_EVERY = 2
#: Figures and feed follow what happens at most so often.
SUMMARY_SECONDS = 1
#: Sockets in this process; a page has one, so a person with more has many windows or means no good.
MOST = {"user": 30, "address": 200}

_open: Counter[tuple[str, str]] = Counter()


class LiveConsumer(AsyncWebsocketConsumer):
    """Refused viewers are told why in the close frame and sent nothing else."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seat: tuple[str, str] | None = None
        self.joined: frozenset[str] = frozenset()
        self.tasks: set[asyncio.Task] = set()
        self.summary_task: asyncio.Task | None = None
        self.has_news = False

    async def connect(self):
        await self.accept()
        query = parse_qs(self.scope["query_string"].decode("ascii", "replace"))
        self.watch = query.get("watch", [""])[0]
        try:
            watching.check(self.watch)
        except watching.Malformed as error:
            await self.close(MALFORMED, str(error))
            return
        user = self.scope["user"]
        self.user_id = user.pk
        if not self._sit(user):
            await self.close(TOO_MANY, "too many live connections")
            return
        self.language = language_of(self.scope)
        self.access, groups = await self._allowed(user)
        if groups is None:
            await self.close(REFUSED, "not allowed")
            return
        self.joined = groups | ({live.access_group(user.pk)} if user.pk else set())
        await self._join()
        self._run(self._beat())

    async def disconnect(self, code):
        for task in self.tasks:
            task.cancel()
        for group in self.joined:
            await self.channel_layer.group_discard(group, self.channel_name)
        if self.seat:
            _open[self.seat] -= 1
            if not _open[self.seat]:
                del _open[self.seat]

    def _sit(self, user) -> bool:
        client = self.scope.get("client") or [""]
        kind, who = ("user", str(user.pk)) if user.is_authenticated else ("address", str(client[0]))
        if _open[kind, who] >= MOST[kind]:
            return False
        self.seat = (kind, who)
        _open[self.seat] += 1
        return True

    def _run(self, coroutine) -> asyncio.Task:
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    @database_sync_to_async
    def _allowed(self, user) -> tuple[Access, frozenset[str] | None]:
        access = Access.of(user)
        return access, watching.groups_for(access, self.watch)

    async def _join(self) -> None:
        # Joined anew at each check: the groups live in Redis, which may have been emptied meanwhile.
        for group in self.joined:
            await self.channel_layer.group_add(group, self.channel_name)
        await database_sync_to_async(live.keep_watching)(self.joined)

    # --- while it is open ------------------------------------------------------------------------

    async def _beat(self):
        count = 0
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            count += 1
            try:
                if count % RECHECK_EVERY == 0 and not await self._check_again():
                    return
            except Exception:
                # Who can't be checked is not shown anything more; the browser comes back by itself.
                log.exception("A live socket's access could not be checked")
                await self.close(CHANGED, "try again")
                return
            await self._send({})

    async def _check_again(self) -> bool:
        """Close if the viewer's roles, or who is signed in, are not what they were."""
        user = await self._user_now()
        access, groups = await self._allowed(user)
        if groups is None or user.pk != self.user_id:
            await self.close(REFUSED, "not allowed any more")
            return False
        if groups - self.joined or self.joined - groups - {live.access_group(self.user_id)}:
            # Other sites than before: the browser reads its page again and comes back.
            await self.close(CHANGED, "what you may see has changed")
            return False
        self.access = access
        await self._join()
        return True

    async def _user_now(self):
        """Who the cookie stands for at this moment: signed out, disabled or not, with the roles of now."""
        key = getattr(self.scope.get("session"), "session_key", None)
        store = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
        return await get_user({"session": store(key)})

    async def live_recheck(self, event):
        await self._check_again()

    async def live_swap(self, event):
        if self.watch.startswith("evse:"):
            await self._send({"look": True, "at": event["at"]})
            return
        await self._send({"swap": event["swap"][self.language], "at": event["at"]})
        if self.watch == "ops":
            self.has_news = True
            if self.summary_task is None or self.summary_task.done():
                self.summary_task = self._run(self._summarise())

    async def live_look(self, event):
        await self._send({"look": True, "at": event["at"]})

    async def _summarise(self):
        """What is counted over all sites of the viewer: at once, then while there is news, but not more."""
        while self.has_news:
            self.has_news, now = False, timezone.now()
            swap = await database_sync_to_async(live.summary)(self.access, self.language, since=now)
            await self._send({"swap": swap})
            await asyncio.sleep(SUMMARY_SECONDS)

    async def _send(self, message: dict) -> None:
        await self.send(json.dumps({"at": timezone.now().isoformat(), **message}))


def language_of(scope) -> str:
    """The language of the page that opened the socket: the browser sends the same cookies and headers."""
    request = HttpRequest()
    request.COOKIES = scope.get("cookies", {})
    headers = dict(scope.get("headers", []))
    request.META["HTTP_ACCEPT_LANGUAGE"] = headers.get(b"accept-language", b"").decode("latin-1")
    return translation.get_language_from_request(request)

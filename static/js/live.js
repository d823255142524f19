// Keeps the page live: fragments pushed over the socket replace those with the same id;
// while the socket is down the page itself is polled.

const announcer = document.getElementById("announcer");
const words = announcer.dataset;
const banner = document.getElementById("feed-dead");
const watch = document.querySelector("[data-live-watch]")?.dataset.liveWatch;
const kiosk = document.body.classList.contains("kiosk");

const FAST = 3000, SLOW = 60000, ACTIVE_FOR = 60000, RETRY = 5000;
// The server says something at least every 20 s; a socket silent for longer is dead.
const SILENCE = 45000;

let socket, attempts = 0, failures = 0, pollTimer, paused = false, pending = new Map(), fresh = 0;
let heardAt = Date.now(), activeAt = Date.now();
const swappedAt = new WeakMap();

const isOpen = () => socket?.readyState === WebSocket.OPEN;
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: words.zone || undefined });

// --- swapping: change what differs, so that focus, scroll and opened details stay --------------

const KEPT = { DETAILS: ["open"], BUTTON: ["aria-expanded", "aria-pressed"] };

function morph(from, to) {
  if (from.isEqualNode(to)) return;
  if (from.nodeName !== to.nodeName) return from.replaceWith(to);
  if (from.nodeType !== Node.ELEMENT_NODE) {
    from.data = to.data;
    return;
  }
  // A drawn chart, or a form on its way to the server, is not ours to change.
  if (from.hasAttribute("data-live-keep") || from.dataset?.sent) return;
  const kept = KEPT[from.nodeName] || [];
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !kept.includes(name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !kept.includes(name)) from.setAttribute(name, value);
  }
  let here = from.firstChild;
  for (const want of [...to.childNodes]) {
    const twin = want.id && [...from.children].find((el) => el.id === want.id);
    const have = twin || (here && !here.id && !want.id && here.nodeName === want.nodeName ? here : null);
    if (have && have === here) here = here.nextSibling;
    else from.insertBefore(have || want, here);
    if (have) morph(have, want);
  }
  while (here) {
    const next = here.nextSibling;
    here.remove();
    here = next;
  }
}

function sayings(scope) {
  const found = [...scope.querySelectorAll("[data-announce]")];
  if (scope.matches("[data-announce]")) found.push(scope);
  return new Map(found.map((el) => [el.id, el.dataset.announce]));
}

function apply(id, html) {
  const old = document.getElementById(id);
  const template = document.createElement("template");
  template.innerHTML = html;
  const next = template.content.firstElementChild;
  if (!old || !next) return;
  const before = sayings(old);
  const focused = document.activeElement?.id;
  morph(old, next);
  const current = document.getElementById(id);
  if (!current) return;
  if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus({ preventScroll: true });
  swappedAt.set(current, Date.now());
  for (const [key, text] of sayings(current)) {
    if (text && before.get(key) !== text) announcer.textContent = text;
  }
  current.dispatchEvent(new CustomEvent("live:swap", { bubbles: true }));
  const goto = current.closest("[data-live-goto]") || current.querySelector("[data-live-goto]");
  if (goto) location.assign(goto.dataset.liveGoto);
}

function receive(swap, news) {
  const known = Object.entries(swap).filter(([id]) => document.getElementById(id));
  if (!paused) {
    for (const [id, html] of known) apply(id, html);
    return;
  }
  for (const [id, html] of known) pending.set(id, html);
  if (news && known.length) fresh += 1;
  showPending();
}

function showPending() {
  for (const el of document.querySelectorAll("[data-live-pending]")) el.textContent = fresh ? `${fresh} ${words.new}` : "";
}

// --- how old is what we show -------------------------------------------------------------------

function ageOf(block) {
  // data-live-at says when the data were true; without it the block is as fresh as the feed.
  return Date.parse(block.dataset.liveAt) || Math.max(heardAt, swappedAt.get(block) || 0);
}

function freshen() {
  for (const block of document.querySelectorAll("[data-live-stale-after]")) {
    const age = (Date.now() - ageOf(block)) / 1000;
    block.classList.toggle("is-stale", age > Number(block.dataset.liveStaleAfter));
  }
  for (const label of document.querySelectorAll("[data-live-updated]")) {
    const block = label.closest("[data-live-stale-after], [data-live-at]");
    const stale = block?.classList.contains("is-stale");
    const text = `${stale ? words.stale : words.updated} ${clock.format(block ? ageOf(block) : heardAt)}`;
    if (label.textContent !== text) label.textContent = text;
  }
}

function heard() {
  heardAt = Date.now();
  failures = 0;
  if (!banner.hidden) announcer.textContent = words.back;
  banner.hidden = true;
  freshen();
}

function failed() {
  failures += 1;
  if (failures < 3 || !banner.hidden) return;
  banner.textContent = announcer.textContent = words.lost;
  banner.hidden = false;
}

// --- polling: the page itself is the feed ------------------------------------------------------

let looking = false;

function lookSoon(swap) {
  if (looking || !Object.keys(swap).some((id) => document.getElementById(id))) return;
  looking = true;
  setTimeout(() => {
    looking = false;
    refetch().catch(() => {});
  }, 1000);
}

function refetch() {
  return fetch(location.href, { headers: { "X-Live": "1" }, cache: "no-store" }).then(async (answer) => {
    if (!answer.ok) throw new Error(answer.statusText);
    if (answer.redirected) return location.assign(answer.url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const blocks = [...page.querySelectorAll("[data-live][id]")];
    heard();
    receive(Object.fromEntries(blocks.map((el) => [el.id, el.outerHTML])), false);
  }).catch(failed);
}

function poll() {
  clearTimeout(pollTimer);
  if (isOpen()) return;
  const active = kiosk || Date.now() - activeAt < ACTIVE_FOR;
  pollTimer = setTimeout(async () => {
    if (!document.hidden && !isOpen()) await refetch();
    poll();
  }, failures ? RETRY : active ? FAST : SLOW);
}

// --- the socket --------------------------------------------------------------------------------

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/live/?watch=${encodeURIComponent(watch)}`);
  socket.onopen = () => {
    attempts = 0;
    // Catch up on what happened between the page and the socket, or while it was down.
    refetch();
  };
  socket.onmessage = ({ data }) => {
    heard();
    const { swap, look } = JSON.parse(data);
    // What is pushed is the same for everybody, and in English; other pages are read again in their own language.
    if (swap && document.documentElement.lang === "en") receive(swap, true);
    else if (swap) lookSoon(swap);
    if (look) refetch();
  };
  socket.onclose = () => {
    const wait = Math.min(30000, 1000 * 2 ** attempts++);
    setTimeout(connect, wait / 2 + Math.random() * wait / 2);
    poll();
  };
}

if (watch) {
  connect();
  setInterval(() => {
    if (isOpen() && Date.now() - heardAt > SILENCE) socket.close();
    freshen();
  }, 1000);
  const active = () => { activeAt = Date.now(); };
  addEventListener("pointerdown", active, { passive: true });
  addEventListener("keydown", active, { passive: true });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    active();
    refetch();
    poll();
  });
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-live-pause]");
  if (!button) return;
  paused = !paused;
  button.setAttribute("aria-pressed", paused);
  if (paused) return;
  const waiting = pending;
  pending = new Map();
  fresh = 0;
  showPending();
  for (const [id, html] of waiting) apply(id, html);
});

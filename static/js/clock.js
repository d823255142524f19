// Ticking clocks: elapsed time and countdowns, by the server's clock rather than the visitor's.

const announcer = document.getElementById("announcer");
const serverTime = Date.parse(document.querySelector("meta[name=server-time]")?.content);
const offset = serverTime ? serverTime - Date.now() : 0;
const spoken = new WeakMap();

function hms(seconds) {
  const two = (n) => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${two(m)}:${two(s)}`;
}

function write(el, text) {
  if (el.textContent !== text) el.textContent = text;
}

// Said at five minutes, at two, then every half minute and the last ten seconds: never each tick.
function say(el, left) {
  const mark = left > 120 ? (left <= 300 ? 300 : 0) : left <= 10 ? 10 : Math.ceil(left / 30) * 30;
  const before = spoken.get(el);
  spoken.set(el, mark);
  if (before !== undefined && mark && mark !== before) announcer.textContent = `${hms(left)} ${announcer.dataset.left}`;
}

function tick() {
  const now = Date.now() + offset;
  for (const el of document.querySelectorAll("[data-elapsed-since]")) {
    write(el, hms(Math.max(0, Math.floor((now - Date.parse(el.dataset.elapsedSince)) / 1000))));
  }
  for (const el of document.querySelectorAll("[data-countdown-to]")) {
    const left = Math.ceil((Date.parse(el.dataset.countdownTo) - now) / 1000);
    el.closest(".hold")?.classList.toggle("is-short", left <= 120);
    if (left > 0) {
      write(el, hms(left));
      say(el, left);
    } else if (!el.dataset.over) {
      el.dataset.over = "1";
      write(el, el.dataset.countdownDone || hms(0));
      announcer.textContent = el.textContent;
      // The server knows what an expired hold means; a second's grace lets it find out.
      if ("countdownReload" in el.dataset) setTimeout(() => location.reload(), 1500);
    }
  }
}

tick();
setInterval(tick, 1000);

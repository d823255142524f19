// A technician's phone: what is entered at a job is kept in the browser until the portal has it,
// because chargers stand where networks don't reach. Each entry has a key: sent twice it counts once.

const list = document.querySelector("[data-queue-list]");
const words = list.dataset;
const RETRY = 30000;
let store, sending = false, hint = "";

// --- the browser's own store ---------------------------------------------------------------------

function opened() {
  return new Promise((done, failed) => {
    const asked = indexedDB.open("evportal-field", 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("entries", { keyPath: "key" });
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });
}

function inStore(mode, ask) {
  return new Promise((done, failed) => {
    const change = store.transaction("entries", mode);
    const asked = ask(change.objectStore("entries"));
    // Kept only once the whole change is: not when the request alone succeeded.
    change.oncomplete = () => done(asked.result);
    change.onerror = change.onabort = () => failed(change.error);
  });
}

const keep = (entry) => inStore("readwrite", (entries) => entries.put(entry));
const drop = (key) => inStore("readwrite", (entries) => entries.delete(key));

async function waiting() {
  // A shared phone: nobody's entries are sent in another's name.
  const all = await inStore("readonly", (entries) => entries.getAll());
  return all.filter((each) => each.user === words.user).sort((a, b) => a.number - b.number);
}

// --- what waits, on the page -----------------------------------------------------------------------

async function show() {
  const entries = await waiting();
  list.hidden = !entries.length;
  list.querySelector("[data-queue-state]").textContent = entries.length
    ? `${entries.length} · ${navigator.onLine ? hint || words.sending : words.offline}` : "";
  list.querySelector("ul").replaceChildren(...entries.map(line));
}

function line(entry) {
  const item = document.createElement("li");
  item.append(entry.says);
  if (!entry.problem) return item;
  const problem = document.createElement("strong");
  problem.textContent = ` ${entry.problem} `;
  const discard = document.createElement("button");
  discard.type = "button";
  discard.className = "btn btn-secondary";
  discard.textContent = words.discard;
  discard.addEventListener("click", async () => {
    await drop(entry.key);
    await show();
    refresh();
  });
  item.append(problem, discard);
  return item;
}

// Only the lists: a text that is being written stays.
async function refresh() {
  if (!navigator.onLine) return;
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const block of document.querySelectorAll("[data-fresh]")) {
    const next = page.getElementById(block.id);
    if (next) block.replaceWith(next);
  }
}

// --- sending -----------------------------------------------------------------------------------------

function packed(entry) {
  const body = new FormData();
  for (const [name, value] of entry.fields) body.append(name, value);
  body.append("key", entry.key);
  body.append("entered_at", entry.at);
  body.append("csrfmiddlewaretoken", list.querySelector("[name=csrfmiddlewaretoken]").value);
  return body;
}

// "sent", "refused" (with the entry's problem), or "later".
async function deliver(entry) {
  let answer;
  try {
    const headers = { Accept: "application/json" };
    answer = await fetch(entry.url, { method: "POST", body: packed(entry), headers, redirect: "manual" });
  } catch {
    hint = words.later;
    return "later";
  }
  if (answer.ok) return "sent";
  const said = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : null;
  if (answer.type === "opaqueredirect" || (answer.status === 403 && !said)) {
    hint = words.signIn;
    return "later";
  }
  if (answer.status === 429 || answer.status >= 500) {
    hint = words.later;
    return "later";
  }
  entry.problem = said?.problem || words.refused;
  return "refused";
}

async function send() {
  if (sending || !store || !navigator.onLine) return;
  sending = true;
  hint = "";
  let arrived = false;
  try {
    for (const entry of await waiting()) {
      if (entry.problem) continue;
      const outcome = await deliver(entry);
      if (outcome === "later") break;
      if (outcome === "sent") await drop(entry.key);
      else await keep(entry);
      arrived = true;
      await show();
    }
  } finally {
    sending = false;
  }
  await show();
  if (arrived) {
    await refresh();
    // What was entered meanwhile.
    send();
  }
}

// --- entering ------------------------------------------------------------------------------------------

function entriesOf(form, button) {
  const data = new FormData(form);
  if (button?.name) data.append(button.name, button.value);
  data.delete("csrfmiddlewaretoken");
  const plain = [...data].filter(([, value]) => typeof value === "string");
  const files = [...data].filter(([, value]) => value instanceof File && value.size);
  const url = form.action.split("#")[0];
  const entry = (fields, says, number) => ({
    key: crypto.randomUUID(), user: words.user, url, fields, says, number, at: new Date().toISOString(), problem: "",
  });
  // One photo is one entry: it goes through a weak network by itself.
  if (form.enctype === "multipart/form-data") {
    return files.map((file, n) => entry([...plain, file], file[1].name, Date.now() + n / 100));
  }
  const says = form.dataset.queue === "tick" ? button.textContent.trim() : data.get("text").trim();
  return says ? [entry(plain, says, Date.now())] : [];
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!store || !("queue" in form.dataset)) return;
  const entries = entriesOf(form, event.submitter);
  // Nothing in it: the portal says what is missing.
  if (!entries.length) return;
  event.preventDefault();
  try {
    for (const entry of entries) await keep(entry);
  } catch {
    list.hidden = false;
    list.querySelector("[data-queue-state]").textContent = words.full;
    return;
  }
  form.reset();
  if (form.dataset.queue === "tick") {
    event.submitter.disabled = true;
    event.submitter.textContent = words.waits;
  }
  await show();
  send();
}, true);

async function begin() {
  // Only where the address is secure.
  if (!crypto.randomUUID) throw new Error("no keys");
  store = await opened();
  await show();
  send();
  addEventListener("online", send);
  addEventListener("offline", show);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) send(); });
  setInterval(send, RETRY);
}

// A browser that keeps nothing for us sends its forms as ever.
begin().catch(() => { store = undefined; });

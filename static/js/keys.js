// Keys for the list of alerts: j and k walk, the letters press what their row offers. Listed under “?”,
// and switched off on this device by its checkbox, since single keys get in the way of some (WCAG 2.1.4).

const help = document.querySelector("[data-keys]");
const box = document.querySelector("[data-keys-on]");
let on = localStorage.getItem("keys") !== "off";
if (box) {
  box.checked = on;
  box.addEventListener("change", () => {
    on = box.checked;
    localStorage.setItem("keys", on ? "on" : "off");
  });
}

const rows = () => [...document.querySelectorAll("[data-alert-row]")];
const current = () => document.activeElement?.closest?.("[data-alert-row]");

function walk(step) {
  const all = rows();
  const at = all.indexOf(current());
  const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
  next?.querySelector("a, button")?.focus();
}

document.addEventListener("keydown", (event) => {
  if (!on || !help || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, select, textarea, [contenteditable]")) return;
  if (event.key === "?") {
    help.open = !help.open;
    help.querySelector("summary").focus();
  } else if (event.key === "j" || event.key === "k") walk(event.key === "j" ? 1 : -1);
  else if (/^[agsew]$/.test(event.key)) current()?.querySelector(`[data-key="${event.key}"]`)?.click();
  else return;
  event.preventDefault();
});

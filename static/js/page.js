// What every page does: theme choice, menus, error summary, one submit per form.

const root = document.documentElement;

const theme = document.querySelector("[data-theme-select]");
if (theme) {
  theme.disabled = false;
  theme.addEventListener("change", () => {
    // A cookie, so that the server paints the next page right the first time.
    const age = theme.value ? 31536000 : 0;
    document.cookie = `theme=${theme.value}; path=/; max-age=${age}; samesite=lax`;
    if (theme.value) root.dataset.theme = theme.value;
    else delete root.dataset.theme;
    dispatchEvent(new Event("themechange"));
  });
}

document.addEventListener("click", (event) => {
  const toggle = event.target.closest("[data-toggle]");
  if (toggle) toggle.setAttribute("aria-expanded", toggle.getAttribute("aria-expanded") !== "true");
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  if (event.target.closest("[data-print]")) print();
});

document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

document.querySelector("[data-error-summary]")?.focus();

document.addEventListener("submit", (event) => {
  const form = event.target;
  // data-resubmit: a form that answers with a download leaves its page where it is.
  if (event.defaultPrevented || form.method !== "post" || "resubmit" in form.dataset) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  const button = event.submitter;
  if (!button) return;
  button.setAttribute("aria-busy", "true");
  if (button.dataset.busy) {
    button.dataset.idle = button.textContent;
    button.textContent = button.dataset.busy;
  }
  // After the browser has collected the fields, or the button's own value would be missing.
  setTimeout(() => { button.disabled = true; });
});

// Back from the next page: the form may be sent again.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("button[aria-busy]")) {
    button.removeAttribute("aria-busy");
    button.disabled = false;
    if (button.dataset.idle) button.textContent = button.dataset.idle;
  }
});

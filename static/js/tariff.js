// The tariff's editor: hours of the week are painted with the chosen price, and what drivers would read and
// what is to be said of it follows while somebody types. Without this file the form does the same in steps.

const form = document.getElementById("tariff-form");
const grid = form?.querySelector("[data-week-grid]");
const field = form?.elements.week;
const into = document.querySelector("[data-check-into]");
const cells = grid ? [...grid.querySelectorAll("[data-cell]")] : [];
const at = (index) => cells.find((cell) => Number(cell.dataset.cell) === index);

if (field && !field.value) field.value = "A".repeat(168);

function name(cell, letter) {
  cell.setAttribute("aria-label", `${cell.dataset.name}: ${letter}`);
}

function paint(cell) {
  const letter = form.querySelector("[name=letter]:checked")?.value;
  const index = Number(cell.dataset.cell);
  if (!letter || field.value[index] === letter) return;
  field.value = field.value.slice(0, index) + letter + field.value.slice(index + 1);
  cell.textContent = letter;
  cell.parentElement.className = `rate-${"ABCDEF".indexOf(letter)}`;
  name(cell, letter);
  later();
}

function focus(cell) {
  for (const each of cells) each.tabIndex = each === cell ? 0 : -1;
  cell.focus();
}

let painting = false;
for (const cell of cells) {
  cell.disabled = false;
  name(cell, cell.textContent);
}
grid?.addEventListener("pointerdown", (event) => {
  const cell = event.target.closest("[data-cell]");
  // A finger scrolls the page and paints by tapping; a mouse paints by dragging.
  if (!cell || event.pointerType === "touch") return;
  painting = true;
  paint(cell);
  focus(cell);
  event.preventDefault();
});
grid?.addEventListener("pointerover", (event) => {
  const cell = event.target.closest("[data-cell]");
  if (painting && cell) paint(cell);
});
addEventListener("pointerup", () => { painting = false; });
grid?.addEventListener("click", (event) => {
  const cell = event.target.closest("[data-cell]");
  if (!cell) return;
  paint(cell);
  focus(cell);
});
grid?.addEventListener("keydown", (event) => {
  const cell = event.target.closest("[data-cell]");
  const step = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -24, ArrowRight: 24 }[event.key];
  if (!cell || !step) return;
  const index = Number(cell.dataset.cell);
  const hour = (index % 24) + (Math.abs(step) === 1 ? step : 0);
  const next = hour < 0 || hour > 23 ? null : at(index + step);
  event.preventDefault();
  if (!next) return;
  if (event.shiftKey) { paint(cell); paint(next); }
  focus(next);
});

let timer, asked = 0;
function later() {
  clearTimeout(timer);
  timer = setTimeout(ask, 500);
}

async function ask() {
  const mine = ++asked;
  try {
    const answer = await fetch(form.dataset.check, { method: "POST", body: new FormData(form) });
    if (!answer.ok || mine !== asked) return;
    into.innerHTML = await answer.text();
  } catch {
    return; // The next change asks again; saving checks in any case.
  }
  for (const slot of form.querySelectorAll("[data-findings]")) slot.replaceChildren();
  for (const found of into.querySelectorAll("[data-finding-for]")) {
    const slot = form.querySelector(`[data-findings="${CSS.escape(found.dataset.findingFor)}"]`);
    const text = found.querySelector("[data-finding-text]").textContent;
    // Beside the field it is said once, in the list with each price that it is about.
    if (!slot || [...slot.children].some((each) => each.textContent === text)) continue;
    const words = document.createElement("p");
    words.className = found.className;
    words.textContent = text;
    slot.append(words);
  }
}

form?.addEventListener("input", later);

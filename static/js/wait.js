// Asks for the same page until it no longer waits, then shows it whole.

const block = document.querySelector("[data-wait]");

async function again() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.redirected) return location.replace(answer.url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.getElementById(block.id);
    if (!next || !("wait" in next.dataset)) return location.reload();
    if (next.innerHTML !== block.innerHTML) block.innerHTML = next.innerHTML;
  } catch {
    // The next attempt may get through.
  }
  setTimeout(again, Number(block.dataset.wait) * 1000);
}

if (block) setTimeout(again, Number(block.dataset.wait) * 1000);

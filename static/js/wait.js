// Asks the same page again until it has moved on, without losing focus or scroll.

const block = document.querySelector("[data-wait]");

async function again() {
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (answer.redirected) return location.assign(answer.url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const next = page.getElementById(block.id);
    const heading = page.querySelector("h1");
    if (heading && document.querySelector("h1").textContent !== heading.textContent) {
      document.querySelector("h1").textContent = document.getElementById("announcer").textContent = heading.textContent;
      document.title = page.title;
    }
    if (next && next.innerHTML !== block.innerHTML) block.innerHTML = next.innerHTML;
    if (next && !("wait" in next.dataset)) return;
  } catch {
    // The next attempt may get through.
  }
  setTimeout(again, Number(block.dataset.wait) * 1000);
}

if (block) setTimeout(again, Number(block.dataset.wait) * 1000);

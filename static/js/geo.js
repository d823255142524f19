// "Near me": asks for the place only when tapped, then sends the search form with it.

const button = document.querySelector("[data-near-me]");

if (button && navigator.geolocation) {
  button.hidden = false;
  button.addEventListener("click", () => {
    button.setAttribute("aria-busy", "true");
    navigator.geolocation.getCurrentPosition(({ coords }) => {
      const url = new URL(location.href);
      url.searchParams.set("lat", coords.latitude.toFixed(4));
      url.searchParams.set("lng", coords.longitude.toFixed(4));
      for (const name of ["q", "page"]) url.searchParams.delete(name);
      location.assign(url);
    }, () => {
      button.removeAttribute("aria-busy");
      document.getElementById("announcer").textContent = button.dataset.refused;
      const note = document.querySelector("[data-near-me-note]");
      if (note) note.textContent = button.dataset.refused;
    }, { timeout: 10000, maximumAge: 60000 });
  });
}

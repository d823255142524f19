// The map beside the list: every pin is a row of the list, and each shows where the other is.

const box = document.querySelector("[data-map]");
const rows = () => [...document.querySelectorAll("[data-lat][data-lng]")];
const pins = new Map();
let map;

function load(src) {
  return new Promise((resolve, reject) => {
    const script = Object.assign(document.createElement("script"), { src, onload: resolve, onerror: reject });
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: box.dataset.leafletCss });
    // Before ours, so that ours wins.
    document.head.prepend(style);
    document.head.append(script);
  });
}

function select(row, selected) {
  row.classList.toggle("is-selected", selected);
  pins.get(row.id)?.getElement()?.classList.toggle("is-selected", selected);
}

function pin(row) {
  const { lat, lng, label, look: shown } = row.dataset;
  const state = row.querySelector(shown ? `.state.s-${shown}` : ".state");
  if (!state) return null; // A site that has no places yet.
  const look = state.querySelector("svg").cloneNode(true);
  const kind = [...state.classList].find((name) => name.startsWith("s-"));
  const icon = window.L.divIcon({ className: `pin ${kind}`, html: look, iconSize: [32, 32] });
  const marker = window.L.marker([lat, lng], { icon, title: label, alt: label, riseOnHover: true }).addTo(map);
  marker.on("click", () => {
    for (const other of rows()) select(other, other === row);
    row.scrollIntoView({ block: "nearest", behavior: "smooth" });
    const link = row.querySelector("a").cloneNode(true);
    marker.unbindPopup().bindPopup(link).openPopup();
  });
  marker.on("mouseover focus", () => select(row, true));
  marker.on("mouseout blur", () => select(row, false));
  return marker;
}

function place(row) {
  const marker = pin(row);
  if (marker) pins.set(row.id, Object.assign(marker, { shown: row.dataset.look }));
}

function placeAll() {
  for (const marker of pins.values()) marker.remove();
  pins.clear();
  for (const row of rows()) place(row);
}

// Rows that change often have a look of their own, and are placed anew only when that is another one.
function follow(target) {
  if (!target.matches("[data-look]")) {
    if (target.querySelector("[data-lat]")) placeAll();
    return;
  }
  const marker = pins.get(target.id);
  if (marker?.shown === target.dataset.look) return;
  marker?.remove();
  place(target);
}

async function ground() {
  if (box.dataset.tiles) {
    window.L.tileLayer(box.dataset.tiles, { attribution: box.dataset.attribution, maxZoom: 19 }).addTo(map);
    return;
  }
  const outlines = await (await fetch(box.dataset.outlines)).json();
  window.L.geoJSON(outlines, { interactive: false, style: ({ properties }) => ({ className: properties.kind }) }).addTo(map);
}

async function draw() {
  await load(box.dataset.leafletJs);
  map = window.L.map(box, { scrollWheelZoom: false, zoomSnap: 0.5 });
  map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
  const places = rows().map((row) => [row.dataset.lat, row.dataset.lng]);
  if (places.length) map.fitBounds(places, { padding: [40, 40], maxZoom: 14 });
  else map.setView([50, 10], 4);
  placeAll();
  ground();

  const here = document.querySelector("[data-map-here]");
  map.on("dragend zoomend", () => {
    if (!here) return;
    const { lat, lng } = map.getCenter();
    const url = new URL(location.href);
    url.searchParams.set("lat", lat.toFixed(4));
    url.searchParams.set("lng", lng.toFixed(4));
    here.href = url;
    here.hidden = false;
  });
}

if (box) {
  for (const [type, selected] of [["pointerover", true], ["pointerout", false], ["focusin", true], ["focusout", false]]) {
    document.addEventListener(type, ({ target }) => {
      const row = target.closest?.("[data-lat][data-lng]");
      if (row) select(row, selected);
    });
  }
  document.addEventListener("live:swap", ({ target }) => { if (map) follow(target); });
  // The list first: the map waits until the page has settled and the map is in sight.
  const seen = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    seen.disconnect();
    draw();
  }, { rootMargin: "200px" });
  addEventListener("load", () => seen.observe(box));
}

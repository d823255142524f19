// Draws [data-chart] with uPlot. The table beside each chart says the same without it.

const drawn = new Map();
const zone = document.getElementById("announcer").dataset.zone || undefined;
const hour = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone: zone });
const day = new Intl.DateTimeFormat(document.documentElement.lang, { day: "numeric", month: "short", timeZone: zone });
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const DASHES = [[], [6, 4], [2, 3], [10, 4, 2, 4]];

function options(data, width) {
  const axis = { stroke: css("ink2"), grid: { stroke: css("wash"), width: 1 }, ticks: { stroke: css("line"), width: 1 } };
  const long = data.x.at(-1) - data.x[0] > 2 * 86400;
  const time = { ...axis, values: (_, splits) => splits.map((at) => (long ? day : hour).format(at * 1000)) };
  const units = [...new Set(data.series.map((one) => one.unit))];
  return {
    width,
    height: 260,
    scales: Object.fromEntries(units.map((unit) => [unit, { range: (_, min, max) => [Math.min(0, min), Math.max(1, max * 1.05)] }])),
    axes: [time, ...units.map((unit, i) => ({ ...axis, scale: unit, label: unit, size: 56, side: i ? 1 : 3, grid: i ? { show: false } : axis.grid }))],
    series: [
      { label: document.querySelector("[data-chart] th")?.textContent, value: (_, at) => (at ? `${day.format(at * 1000)} ${hour.format(at * 1000)}` : "–") },
      // Lines differ by dash as well as by colour.
      ...data.series.map((one, i) => ({
        label: `${one.label} (${one.unit})`, scale: one.unit, stroke: css(one.token || "charging"), width: 2,
        dash: DASHES[i % DASHES.length], points: { show: false },
      })),
    ],
  };
}

const columns = (data) => [data.x, ...data.series.map((one) => one.values)];

async function read(figure) {
  if (figure.dataset.src) return (await fetch(figure.dataset.src)).json();
  return JSON.parse(document.getElementById(figure.dataset.chart).textContent);
}

async function draw(figure) {
  const data = await read(figure);
  const canvas = figure.querySelector(".chart-canvas");
  const known = drawn.get(canvas);
  // New data in the same chart: what the reader hid in the legend stays hidden.
  if (known && known.series.length === data.series.length + 1) {
    known.setData(columns(data));
    return;
  }
  known?.destroy();
  canvas.hidden = false;
  drawn.set(canvas, new window.uPlot(options(data, canvas.clientWidth), columns(data), canvas));
}

const all = () => document.querySelectorAll("[data-chart]");

const resized = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) {
    const plot = drawn.get(target.querySelector(".chart-canvas"));
    if (plot && plot.width !== contentRect.width) plot.setSize({ width: contentRect.width, height: 260 });
  }
});

function redraw() {
  for (const [canvas, plot] of drawn) {
    plot.destroy();
    drawn.delete(canvas);
  }
  all().forEach(draw);
}

all().forEach((figure) => draw(figure).then(() => resized.observe(figure)));
document.addEventListener("live:swap", ({ target }) => {
  const figure = target.closest("[data-chart]");
  for (const one of figure ? [figure] : target.querySelectorAll("[data-chart]")) draw(one);
});
addEventListener("themechange", redraw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

// Draws the charts of the page; Plotly is fetched when there is one. The figures name CSS variables as colours.
(() => {
  const source = document.currentScript.dataset.plotly;
  const config = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false };

  // Plotly writes style sheets into the page, which the Content-Security-Policy forbids, unless there are elements
  // with their ids. Its own rules, as far as these charts need them, are in charts.css; the others are for maps.
  const styleSheets = ["plotly.js-style-global", "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53"];

  let plotly;
  const fetchPlotly = () => {
    plotly ??= new Promise((resolve, reject) => {
      for (const id of styleSheets) {
        document.head.append(Object.assign(document.createElement("meta"), { id, className: "no-inline-styles" }));
      }
      document.head.append(
        Object.assign(document.createElement("script"), { src: source, onload: resolve, onerror: reject }),
      );
    });
    return plotly;
  };

  const withColours = (value, style) => {
    if (typeof value === "string") {
      return value.startsWith("var(") ? style.getPropertyValue(value.slice(4, -1)).trim() : value;
    }
    if (Array.isArray(value)) return value.map((item) => withColours(item, style));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withColours(item, style)]));
  };

  const draw = async (selector) => {
    if (!document.querySelector(selector)) return;
    await fetchPlotly();
    for (const chart of document.querySelectorAll(selector)) {
      const figure = JSON.parse(document.getElementById(chart.dataset.figure).textContent);
      const { data, layout } = withColours(figure, getComputedStyle(chart));
      chart.style.height = `${layout.height}px`; // or a change of the window's size would leave it without any
      Plotly.react(chart, data, layout, config);
    }
  };
  const drawNew = () => draw(".chart:not(.js-plotly-plot)");

  document.addEventListener("DOMContentLoaded", drawNew);
  document.addEventListener("htmx:load", drawNew);
  new MutationObserver(() => draw(".chart")).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
})();

// The plots of the report. Everything comes from the two JSON blocks of the page; text reaches it as text only.
(function () {
  "use strict";

  const WIDE_HEIGHT = 300;
  const HEIGHT = 220;
  const DASHED = [6, 4];
  const DOTTED = [2, 3];
  const CLOCK_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];
  const FEW_SECONDS = 300; // up to here an axis in seconds reads better than minutes

  const series = JSON.parse(document.getElementById("series").textContent);
  const seconds = series.seconds;
  const curves = series.curves;

  // The last interval ends somewhere too: a point there closes its step. Latencies belong to one point only.
  const last = seconds.t.length - 1;
  for (const name in seconds) {
    if (last < 0) break;
    const value = seconds[name][last];
    seconds[name].push(name === "t" ? value + seconds.seconds[last] : name.endsWith("_ms") ? null : value);
  }
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
  const number = (value) => grouped.format(value);
  const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

  // 0.0312 ms -> "31.2 us"; three digits say enough.
  function latency(ms) {
    if (ms === 0) return "0";
    const [value, unit] = ms >= 1000 ? [ms / 1000, "s"] : ms >= 1 ? [ms, "ms"] : [ms * 1000, "us"];
    return Number(value.toPrecision(3)) + " " + unit;
  }

  function clock(second) {
    if (seconds.t[seconds.t.length - 1] <= FEW_SECONDS) return number(second) + " s";
    return Math.floor(second / 60) + ":" + String(Math.round(second % 60)).padStart(2, "0");
  }

  // The x of the curves is 1 / (1 - share): 10 is 90 %, 100 is 99 % and so on.
  function percent(x) {
    const digits = Math.max(0, Math.ceil(Math.log10(x) - 2 - 1e-9));
    return Number((100 - 100 / x).toFixed(digits + 1)) + " %";
  }

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  function line(label, hue, show, options) {
    return Object.assign(
      { label: label, stroke: () => colour(hue), width: 1.75, points: { show: false }, value: (_, v) => (v == null ? "" : show(v)) },
      options
    );
  }

  // What was counted in an interval holds for the whole of it: steps, not slopes.
  const stepped = { paths: uPlot.paths.stepped({ align: 1 }) };

  function steps(label, hue, options) {
    return line(label, hue, number, Object.assign({}, stepped, options));
  }

  function area(label, hue, options) {
    return steps(label, hue, Object.assign({ fill: () => colour(hue) + "2b" }, options));
  }

  function axis(options) {
    const thin = { stroke: () => colour("grid"), width: 1 };
    const font = "12px system-ui, -apple-system, Segoe UI, Roboto, Arial, sans-serif";
    return Object.assign({ stroke: () => colour("quiet"), font: font, grid: thin, ticks: { show: false }, gap: 6 }, options);
  }

  const fromZero = { range: (_, low, high) => [0, high > 0 ? high * 1.08 : 1] };

  // Whole decades, at least one, so that a quiet run does not look wild.
  function decades(_, low, high) {
    const bottom = Math.floor(Math.log10(low > 0 ? low : 0.001));
    const top = Math.ceil(Math.log10(high > 0 ? high : 1));
    return [10 ** bottom, 10 ** Math.max(top, bottom + 1)];
  }
  const logarithmic = { distr: 3, range: decades };
  // Between the decades the axis has lines; only the decades have words.
  const onlyDecades = (_, splits) => splits.map((v) => (Math.abs(Math.log10(v) % 1) < 1e-6 || Math.abs(Math.log10(v) % 1) > 1 - 1e-6 ? v : null));
  const latencyAxis = () => axis({ size: 62, filter: onlyDecades, values: (_, splits) => splits.map((v) => (v == null ? "" : latency(v))) });

  // What was not measured, warm-up and drain, gets a darker ground.
  function shade(u) {
    const [begin, end] = series.measured.map((x) => Math.min(Math.max(u.valToPos(x, "x", true), u.bbox.left), u.bbox.left + u.bbox.width));
    u.ctx.fillStyle = colour("grid");
    u.ctx.fillRect(u.bbox.left, u.bbox.top, begin - u.bbox.left, u.bbox.height);
    u.ctx.fillRect(end, u.bbox.top, u.bbox.left + u.bbox.width - end, u.bbox.height);
  }

  function overTime(lines, y, yAxis) {
    return {
      hooks: { drawClear: [shade] },
      series: [{ label: "at", value: (_, v) => (v == null ? "" : clock(v)) }].concat(lines),
      scales: { x: { time: false }, y: y },
      axes: [axis({ size: 30, space: 60, incrs: CLOCK_STEPS, values: (_, splits) => splits.map(clock) }), yAxis],
      cursor: { sync: { key: "time", scales: ["x", null] }, y: false },
    };
  }
  const whole = [1, 2, 5].flatMap((step) => Array.from({ length: 10 }, (_, power) => step * 10 ** power)).sort((a, b) => a - b);
  const countAxis = () => axis({ size: 52, incrs: whole, values: (_, splits) => splits.map((v) => compact.format(v)) });

  function byPercentile() {
    const hues = ["blue", "grey", "teal", "purple"];
    const dashes = [undefined, DASHED, undefined, DOTTED];
    const names = series.curves.names;
    return {
      series: [{ label: "percentile", value: (_, v) => (v == null ? "" : percent(v)) }].concat(
        names.map((name, at) => line(name, hues[at % 4], latency, { dash: dashes[at % 4], width: 2 }))
      ),
      scales: { x: { time: false, distr: 3, range: (_, low, high) => [1, Math.max(high, 10)] }, y: logarithmic },
      axes: [
        axis({
          size: 30,
          splits: (u, _, low, high) => {
            const room = u.bbox.width / uPlot.pxRatio / Math.log10(high / low);
            const found = room > 110 ? [1, 2, 4] : [1];
            for (let x = 10; x <= high * 1.001; x *= 10) found.push(x);
            return found;
          },
          filter: (_, splits) => splits,
          values: (_, splits) => splits.map(percent),
        }),
        latencyAxis(),
      ],
      cursor: { y: false, drag: { x: true, y: false } },
    };
  }

  const happened = (values) => values.some((value) => value > 0);

  function plotsOverTime() {
    if (last < 0) return [];
    const found = [
      {
        title: "Rate",
        text: "Messages per second: due by the schedule, and accepted (ESME_ROK).",
        data: [seconds.t, seconds.offered, seconds.ok],
        options: () => overTime([steps("offered", "grey", { dash: DASHED }), area("accepted", "blue")], fromZero, countAxis()),
      },
      {
        title: "Latency",
        text: "Submit response, from the intended send time.",
        data: [seconds.t, seconds.max_ms, seconds.p99_ms, seconds.p50_ms],
        options: () =>
          overTime(
            [line("max", "grey", latency, { dash: DOTTED }), line("p99", "blue", latency, { width: 2 }), line("p50", "teal", latency)],
            logarithmic,
            latencyAxis()
          ),
      },
    ];
    const refused = happened(seconds.errors) || happened(seconds.throttled);
    found.push({
      title: "In flight",
      text: "Submitted and not yet answered; behind: due, and waiting for room in a window.",
      data: [seconds.t, seconds.in_flight, seconds.behind],
      options: () => overTime([area("in flight", "purple"), steps("behind", "red", { dash: DASHED })], fromZero, countAxis()),
    });
    if (refused) {
      found.push({
        title: "Refused",
        text: "Answers per second that were not ESME_ROK.",
        data: [seconds.t, seconds.throttled, seconds.errors],
        options: () => overTime([area("throttled", "amber"), area("errors", "red", { dash: DASHED })], fromZero, countAxis()),
      });
    }
    const inbound = [
      { name: "Receipts", values: seconds.receipts, line: () => area("receipts", "teal") },
      { name: "MO answers", values: seconds.mo_answers, line: () => steps("MO answers", "purple", { dash: DASHED }) },
    ].filter((one) => happened(one.values));
    if (inbound.length) {
      found.push({
        title: inbound.map((one) => one.name).join(" and "),
        text: "Received per second.",
        data: [seconds.t].concat(inbound.map((one) => one.values)),
        options: () => overTime(inbound.map((one) => one.line()), fromZero, countAxis()),
      });
    }
    if (found.length % 2) found[found.length - 1].wide = true;
    return found;
  }

  function plotsByPercentile() {
    if (!curves.x.length) return [];
    return [
      {
        title: "Latency by percentile",
        text: "How long the given share of all messages took at most.",
        data: [curves.x].concat(curves.ms),
        wide: true,
        options: byPercentile,
      },
    ];
  }

  function operable(legend) {
    for (const label of legend.querySelectorAll("tr.u-series:not(:first-child) th")) {
      label.tabIndex = 0;
      label.setAttribute("role", "button");
      label.setAttribute("aria-pressed", "true");
      label.title = "show or hide";
      const state = () => label.setAttribute("aria-pressed", String(!label.parentElement.classList.contains("u-off")));
      label.addEventListener("click", () => setTimeout(state));
      label.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        label.click();
      });
    }
  }

  function draw(plot, place) {
    const size = () => ({ width: Math.max(200, place.clientWidth), height: plot.wide ? WIDE_HEIGHT : HEIGHT });
    const options = plot.options();
    const border = (_, at) => (options.series[at].dash === DOTTED ? "dotted" : options.series[at].dash ? "dashed" : "solid");
    const fixed = { padding: [10, 20, 0, 0], legend: { markers: { dash: border } } };
    const made = new uPlot(Object.assign(size(), fixed, options), plot.data, place);
    made.root.querySelector("canvas").setAttribute("aria-hidden", "true");
    operable(made.root);
    const observer = new ResizeObserver(() => made.setSize(size()));
    observer.observe(place);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }

  const shown = plotsOverTime().concat(plotsByPercentile()).map((plot) => {
    const figure = element("figure", plot.wide ? "wide" : "");
    const caption = figure.appendChild(element("figcaption"));
    caption.append(element("h2", "", plot.title), element("p", "", plot.text));
    document.getElementById("plots").append(figure);
    const place = figure.appendChild(element("div", "plot"));
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", plot.title + ": line plot. The figures are in the tables below.");
    return { plot: plot, place: place };
  });

  // Colours are read when a plot is made: a change of the scheme makes them anew.
  let undo = [];
  function drawAll() {
    undo.forEach((remove) => remove());
    undo = shown.map((one) => draw(one.plot, one.place));
  }
  dark.addEventListener("change", drawAll);
  drawAll();
})();

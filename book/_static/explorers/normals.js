/* Two normals with sliders: both divergences, where they come from, a q with cut tails, and bins. */
"use strict";

(() => {
  const EDGE = 8; // what is drawn; the outermost bins are open
  const NARROWEST = 0.5; // of the interval that q is cut to
  const { between, klNormal, klTruncated, normalLogPdf, upperTail } = klNumbers;

  const valid = ([low, high, ...rest]) =>
    rest.length === 0 && low >= -EDGE && high <= EDGE && high - low >= NARROWEST;

  /* The mass that p, and q within its interval, have between two places. */
  function masses({ loc_p, scale_p, loc_q, scale_q, cut, interval }, low, high) {
    const ofNormal = (loc, scale, a, b) => (a < b ? between((a - loc) / scale, (b - loc) / scale) : 0);
    const ofP = ofNormal(loc_p, scale_p, low, high);
    if (cut !== true) return [ofP, ofNormal(loc_q, scale_q, low, high)];
    const [from, to] = interval;
    const whole = ofNormal(loc_q, scale_q, from, to);
    return [ofP, ofNormal(loc_q, scale_q, Math.max(low, from), Math.min(high, to)) / whole];
  }
  function edges(bins) {
    const inner = Array.from({ length: bins - 1 }, (_, i) => -EDGE + (2 * EDGE * (i + 1)) / bins);
    return [-Infinity, ...inner, Infinity];
  }

  function compute(state) {
    const { loc_p, scale_p, loc_q, scale_q, cut, interval, bins } = state;
    const [low, high] = interval;
    const numbers = cut
      ? { kl_pq: Infinity, kl_qp: klTruncated(loc_q, scale_q, low, high, loc_p, scale_p) }
      : { kl_pq: klNormal(loc_p, scale_p, loc_q, scale_q), kl_qp: klNormal(loc_q, scale_q, loc_p, scale_p) };
    numbers.outside = upperTail((loc_p - low) / scale_p) + upperTail((high - loc_p) / scale_p);
    if (bins === "none") return numbers;
    const at = edges(Number(bins));
    const rows = at.slice(1).map((edge, i) => masses(state, at[i], edge));
    const [p, q] = [0, 1].map((which) => rows.map((row) => row[which]));
    return { ...numbers, p, q, binned_pq: klNumbers.kl(p, q), binned_qp: klNumbers.kl(q, p) };
  }

  function readout(numbers, { bins }) {
    const lines = [["KL(p‖q)", numbers.kl_pq, "nats"], ["KL(q‖p)", numbers.kl_qp, "nats"]];
    if (bins === "none") return lines;
    return [
      ...lines,
      [`KL(p‖q) in ${bins} bins`, numbers.binned_pq, "nats"],
      [`KL(q‖p) in ${bins} bins`, numbers.binned_qp, "nats"],
    ];
  }
  function note({ outside }, { cut }) {
    if (!cut) return "";
    const share = outside < 1e-4 ? outside.toExponential(1).replace("-", "−") : outside.toFixed(4);
    return `KL(p‖q) is infinite: p has probability ${share} where q has none.`;
  }

  function logDensities({ loc_p, scale_p, loc_q, scale_q, cut, interval: [low, high] }) {
    const whole = cut ? Math.log(between((low - loc_q) / scale_q, (high - loc_q) / scale_q)) : 0;
    return [
      (x) => normalLogPdf(x, loc_p, scale_p),
      (x) => (cut && (x < low || x > high) ? -Infinity : normalLogPdf(x, loc_q, scale_q) - whole),
    ];
  }

  function draw(canvas, numbers, state, explorer) {
    canvas.tall(430);
    const [logP, logQ] = logDensities(state);
    const xs = Array.from({ length: 321 }, (_, i) => -EDGE + (2 * EDGE * i) / 320);
    const peak = Math.max(0.5, ...xs.map((x) => Math.exp(Math.max(logP(x), logQ(x)))));
    const upper = canvas.frame({ x: [-EDGE, EDGE], y: [0, peak * 1.1], top: 26, height: 130, yLabel: "Density: p solid, q dashed" });
    if (numbers.p) bars(canvas, upper, numbers);
    const curve = (log) => xs.map((x) => [upper.x(x), upper.y(Math.exp(log(x)))]);
    canvas.line(curve(logP), "p");
    canvas.line(curve(logQ), "q");
    const [letters, names] = [["p", "q"], ["p", "q"].map((letter) => [`loc_${letter}`, `scale_${letter}`])];
    const top = [logP, logQ].map((log, i) => upper.y(Math.exp(log(state[names[i][0]]))));
    letters.forEach((letter, i) => {
      const [loc, scale] = names[i];
      const x = upper.x(state[loc]);
      // On the side away from the other.
      const away = state[loc] < state[names[1 - i][0]] ? { side: -12, anchor: "end" } : { side: 12, anchor: "start" };
      canvas.text(x + away.side, Math.min(top[i], upper.bottom - 8) - 3, letter, { anchor: away.anchor, kind: "strong" });
      canvas.handle(letter, {
        ...{ x, y: Math.min(top[i], upper.bottom), kind: letter },
        drag: (toX, toY) => explorer.set({
          [loc]: within(upper.fromX(toX), -4, 4, 10),
          [scale]: within(1 / (Math.sqrt(2 * Math.PI) * Math.max(upper.fromY(toY), 0.01)), 0.4, 3, 20),
        }),
      });
    });
    if (state.cut) ends(canvas, upper, state, explorer);
    integrand(canvas, numbers, state, xs, state.direction === "forward" ? [logP, logQ] : [logQ, logP]);
  }
  const within = (x, min, max, parts) => Math.round(Math.min(max, Math.max(min, x)) * parts) / parts;

  /* Where q is cut: two handles on the axis. */
  function ends(canvas, at, { interval }, explorer) {
    interval.forEach((end, i) => {
      const [min, max] = i === 0 ? [-EDGE, interval[1] - NARROWEST] : [interval[0] + NARROWEST, EDGE];
      const set = (value) => explorer.set({ interval: interval.map((other, j) => (j === i ? within(value, min, max, 10) : other)) });
      canvas.handle(`end${i}`, {
        ...{ x: at.x(end), y: at.bottom, kind: "q" },
        drag: (x) => set(at.fromX(x)),
        slider: { label: ["Least value of q", "Largest value of q"][i], min, max, now: end, step: 0.1, text: String(end), set },
      });
    });
  }

  /* The binned distributions as histograms; what lies beyond the picture counts to the last bar. */
  function bars(canvas, at, { p, q }) {
    const width = (2 * EDGE) / p.length;
    for (const [row, kind] of [[p, "p"], [q, "q"]]) {
      row.forEach((mass, i) => {
        const [left, right] = [at.x(-EDGE + i * width), at.x(-EDGE + (i + 1) * width)];
        canvas.bar(left, at.y(mass / width), right - left, at.bottom - at.y(mass / width), kind);
      });
    }
  }

  function integrand(canvas, numbers, { cut, interval, direction }, xs, [logA, logB]) {
    const forward = direction === "forward";
    const values = xs.map((x) => (logA(x) === -Infinity ? 0 : Math.exp(logA(x)) * (logA(x) - logB(x))));
    const finite = values.filter(Number.isFinite);
    const y = [Math.min(-0.2, 1.15 * Math.min(...finite)), Math.max(0.5, 1.15 * Math.max(...finite))];
    const yLabel = `${forward ? "p log(p/q)" : "q log(q/p)"}, nats per unit of x`;
    const at = canvas.frame({ x: [-EDGE, EDGE], y, top: 220, height: 160, yLabel, xLabel: "x" });
    // Between the ends of a cut q, where it is positive, lies one stretch; beyond, p log(p/q) is infinite.
    const points = (value) => xs.map((x, i) => [at.x(x), at.y(value(values[i]))]).filter((_, i) => Number.isFinite(values[i]));
    canvas.area(points((v) => Math.max(v, 0)), at.y(0), "positive");
    canvas.area(points((v) => Math.min(v, 0)), at.y(0), "negative");
    canvas.line(points((v) => v), "positive");
    if (cut && forward) {
      for (const [from, to] of [[-EDGE, interval[0]], [interval[1], EDGE]]) {
        canvas.bar(at.x(from), at.top, at.x(to) - at.x(from), at.height, "positive");
        if (to - from > 0.5) canvas.text(at.x((from + to) / 2), at.top + 20, "∞", { kind: "strong" });
      }
    }
  }

  const of = (letter, [loc, scale]) => [
    { name: `loc_${letter}`, kind: "range", label: `Mean of ${letter}`, min: -4, max: 4, step: 0.1, value: loc },
    { name: `scale_${letter}`, kind: "range", label: `σ of ${letter}`, min: 0.4, max: 3, step: 0.05, value: scale },
  ];
  klExplorer.define("normals", {
    label: "Two normal distributions",
    controls: [
      ...of("p", [1, 1]),
      ...of("q", [2, 0.5]),
      { name: "direction", kind: "choice", label: "Integrand of", options: [["forward", "KL(p‖q)"], ["reverse", "KL(q‖p)"]], value: "forward" },
      { name: "bins", kind: "choice", label: "Bins", options: ["none", "2", "4", "8", "16", "32", "64"].map((n) => [n, n]), value: "none" },
      { name: "cut", kind: "check", label: "Cut the tails of q off", value: false },
      { name: "interval", kind: "list", valid, value: [0, 4] },
    ],
    compute, readout, note, draw,
  });
})();

/* Two distributions over 2 to 8 kinds of weather, with bars to drag. */
"use strict";

(() => {
  const NAMES = ["sun", "cloud", "rain", "snow", "fog", "wind", "hail", "storm"];
  const TERMS = { forward: "p log(p/q)", reverse: "q log(q/p)" };

  const { withShare } = klNumbers;
  const total = (row) => row.reduce((a, b) => a + b, 0);
  const valid = (row) =>
    row.length > 1 && row.length <= NAMES.length && row.every((x) => x >= 0 && x <= 1) && Math.abs(total(row) - 1) < 1e-6;

  function resized(row, count) {
    if (count <= row.length) {
      const kept = row.slice(0, count);
      // What the dropped ones had goes to the rest: the first entry is set to its share of it.
      return total(kept) > 0 ? withShare(kept, 0, kept[0] / total(kept)) : kept.map((_, i) => (i ? 0 : 1));
    }
    return resized(withShare([...row, 0], row.length, 1 / (row.length + 1)), count);
  }

  function settle(state, before) {
    // An address may name lists that differ in length, or from the number of categories.
    const count = state.count === before.count ? state.p.length : state.count;
    const [p, q] = [state.p, state.q].map((row) => (row.length === count ? row : resized(row, count)));
    return { ...state, count, p, q };
  }

  function compute({ p, q, unit, terms }) {
    const divisor = unit === "bits" ? Math.LN2 : 1;
    const numbers = {
      entropy: klNumbers.entropy(p),
      cross_entropy: klNumbers.crossEntropy(p, q),
      kl_pq: klNumbers.kl(p, q),
      kl_qp: klNumbers.kl(q, p),
      js: klNumbers.js(p, q),
    };
    const ofTerms = terms === "forward" ? klNumbers.klTerms(p, q) : klNumbers.klTerms(q, p);
    for (const key of Object.keys(numbers)) numbers[key] /= divisor;
    return { ...numbers, terms: ofTerms.map((term) => term / divisor) };
  }

  function readout(numbers, { unit }) {
    return [
      ["Entropy H(p)", numbers.entropy, unit],
      ["Cross-entropy H(p, q)", numbers.cross_entropy, unit],
      ["KL(p‖q)", numbers.kl_pq, unit],
      ["KL(q‖p)", numbers.kl_qp, unit],
      ["Jensen–Shannon", numbers.js, unit],
    ];
  }
  function note({ kl_pq: forward, kl_qp: reverse }, { p, q }) {
    const missing = (a, b) => NAMES[a.findIndex((x, i) => x > 0 && b[i] === 0)];
    const say = (direction, has, lacks, name) =>
      `${direction} is infinite: ${has} gives ${name} some probability, ${lacks} gives it none.`;
    return [
      forward === Infinity ? say("KL(p‖q)", "p", "q", missing(p, q)) : "",
      reverse === Infinity ? say("KL(q‖p)", "q", "p", missing(q, p)) : "",
    ].join(" ").trim();
  }
  function table({ terms }, { p, q, terms: direction, unit }) {
    const rows = p.map((x, i) => [NAMES[i], x, q[i], terms[i]]);
    const sum = ["sum", 1, 1, klNumbers.sum(terms)];
    return [["outcome", "p", "q", `${TERMS[direction]}, ${unit}`], ...rows, sum];
  }

  function draw(canvas, { terms }, state, explorer) {
    const { p, q, unit, terms: direction } = state;
    canvas.tall(452);
    const column = (at, i) => [at.left + (at.width * (i + 0.15)) / p.length, (at.width * 0.7) / p.length];
    const panel = { x: [0, 1], xTicks: [], left: 40 };
    for (const [letter, row, top] of [["p", p, 26], ["q", q, 166]]) {
      const at = canvas.frame({ ...panel, y: [0, 1], yTicks: [0, 0.5, 1], top, height: 90, yLabel: `${letter}, probability` });
      row.forEach((x, i) => {
        const [left, width] = column(at, i);
        canvas.bar(left, at.y(x), width, at.bottom - at.y(x), letter);
        if (letter === "q") canvas.line([[left - 2, at.y(p[i])], [left + width + 2, at.y(p[i])]], "p");
        canvas.text(left + width / 2, at.bottom + 18, NAMES[i]);
        const from = (start, value) => explorer.set({ [letter]: withShare(start, i, Math.min(1, Math.max(0, value))) });
        canvas.handle(`${letter}${i}`, {
          ...{ x: left + width / 2, y: at.y(x), kind: letter },
          grab: () => explorer.state[letter],
          drag: (_, y, start) => from(start, Math.round(at.fromY(y) * 200) / 200),
          slider: {
            ...{ label: `${letter} of ${NAMES[i]}`, min: 0, max: 1, now: x, step: 0.01, text: x.toFixed(3) },
            set: (value) => from(explorer.state[letter], value),
          },
        });
      });
    }
    const finite = terms.filter(Number.isFinite);
    const most = Math.max(0.2, ...finite.map(Math.abs)) * 1.15;
    const low = Math.min(-0.25 * most, ...finite.map((x) => 1.15 * x));
    const at = canvas.frame({ ...panel, y: [low, most], top: 312, height: 116, yLabel: `${TERMS[direction]}, ${unit}` });
    terms.forEach((x, i) => {
      const [left, width] = column(at, i);
      const end = Number.isFinite(x) ? at.y(x) : at.top;
      canvas.bar(left, Math.min(end, at.y(0)), width, Math.abs(end - at.y(0)), x < 0 ? "negative" : "positive");
      if (x === Infinity) canvas.text(left + width / 2, at.top - 2, "∞", { kind: "strong" });
      canvas.text(left + width / 2, at.bottom + 18, NAMES[i]);
    });
  }

  klExplorer.define("discrete", {
    label: "Two distributions over the weather",
    controls: [
      { name: "count", kind: "range", label: "Kinds of weather", min: 2, max: 8, step: 1, value: 4 },
      { name: "unit", kind: "choice", label: "Unit", options: [["bits", "bits"], ["nats", "nats"]], value: "bits" },
      { name: "terms", kind: "choice", label: "Terms of", options: [["forward", "KL(p‖q)"], ["reverse", "KL(q‖p)"]], value: "forward" },
      { name: "p", kind: "list", valid, value: [0.5, 0.25, 0.125, 0.125] },
      { name: "q", kind: "list", valid, value: [0.125, 0.5, 0.25, 0.125] },
    ],
    settle, compute, readout, note, table, draw,
  });
})();

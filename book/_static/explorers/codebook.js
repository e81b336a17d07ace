/* A code book: word lengths that are dragged within Kraft's budget, the prefix code that has them, and
   symbols drawn from p and coded with it. A book with lengths l is the best one for q = 2^−l / Σ 2^−l,
   so that its mean length is H(p) + KL(p‖q) + log2(1/Σ 2^−l). All in bits. */
"use strict";

(() => {
  const WEATHER = ["sun", "cloud", "rain", "snow"];
  const SOURCES = {
    winter: { words: "winter: 0.4, 0.3, 0.2, 0.1", names: WEATHER, p: [0.4, 0.3, 0.2, 0.1] },
    year: { words: "whole year: 1/2, 1/4, 1/8, 1/8", names: WEATHER, p: [0.5, 0.25, 0.125, 0.125] },
    even: { words: "all alike: 1/4 each", names: WEATHER, p: [0.25, 0.25, 0.25, 0.25] },
    sunny: { words: "desert: 0.97, 0.01, 0.01, 0.01", names: WEATHER, p: [0.97, 0.01, 0.01, 0.01] },
    die: { words: "loaded die: six 1/2, others 1/10", names: ["1", "2", "3", "4", "5", "6"], p: [0.1, 0.1, 0.1, 0.1, 0.1, 0.5] },
  };
  const [SHORTEST, LONGEST, MOST] = [0.01, 8, 1000];
  const FINE = 0.05; // bits, of a length that need not be whole
  const share = (length) => 2 ** -length;
  const valid = (lengths) =>
    lengths.length >= 4 && lengths.length <= 6 && lengths.every((x) => x >= SHORTEST && x <= LONGEST);

  /* Whole lengths of a best prefix code (Huffman): the two rarest share all but their last bit. */
  function huffman(p) {
    const lengths = p.map(() => 0);
    const trees = p.map((weight, i) => ({ weight, leaves: [i] }));
    while (trees.length > 1) {
      trees.sort((a, b) => a.weight - b.weight || a.leaves.length - b.leaves.length);
      const [a, b] = trees.splice(0, 2);
      const leaves = [...a.leaves, ...b.leaves];
      for (const leaf of leaves) lengths[leaf] += 1;
      trees.push({ weight: a.weight + b.weight, leaves });
    }
    return lengths;
  }
  const ideal = (p) => p.map((x) => Number(-Math.log2(x).toFixed(6)));

  function settle(state) {
    const { p } = SOURCES[state.source];
    const lengths = state.lengths.length === p.length ? state.lengths : huffman(p);
    const whole = (x) => Math.min(LONGEST, Math.max(1, Math.round(x)));
    return { ...state, lengths: state.bits === "whole" ? lengths.map(whole) : lengths };
  }

  /* Symbols by the order of their places in the unit interval: short words first. */
  const inOrder = (lengths) => lengths.map((_, i) => i).sort((a, b) => lengths[a] - lengths[b] || a - b);
  /* The proof of Kraft's inequality: intervals side by side, each named by the digits of its start. */
  function words(lengths) {
    const found = [];
    let start = 0;
    for (const i of inOrder(lengths)) {
      found[i] = (start * 2 ** lengths[i]).toString(2).padStart(lengths[i], "0");
      start += share(lengths[i]);
    }
    return found;
  }
  function drawn({ source, seed, count }) {
    const { p } = SOURCES[source];
    const next = klNumbers.random(seed);
    return Array.from({ length: count }, () => {
      let left = next();
      const i = p.findIndex((x) => (left -= x) < 0);
      return i < 0 ? p.length - 1 : i; // what rounding of the sum leaves
    });
  }

  function compute(state) {
    const { p } = SOURCES[state.source];
    const { lengths, bits } = settle(state);
    const q = lengths.map(share);
    const spent = klNumbers.sum(q);
    const symbols = drawn(state);
    const within = spent <= 1 + 1e-6; // the ideal lengths are rounded to six digits
    const counted = symbols.map((i) => lengths[i]);
    return {
      spent, within, symbols,
      entropy: klNumbers.entropy(p) / Math.LN2,
      kl: klNumbers.kl(p, q) / Math.LN2,
      unspent: -Math.log2(spent),
      mean_length: klNumbers.sum(p.map((x, i) => x * lengths[i])),
      counted: klNumbers.sum(counted),
      words: bits === "whole" && within ? words(lengths) : null,
    };
  }

  function readout(numbers, { count, bits }) {
    const { within, counted } = numbers;
    const total = bits === "whole" ? String(counted) : counted; // 100, not 100.0000
    return [
      ["Mean length", numbers.mean_length, "bits"],
      ["Entropy H(p)", numbers.entropy, "bits"],
      ["plus KL(p‖q)", numbers.kl, "bits"],
      ["plus budget unspent", numbers.unspent, "bits"],
      ["Budget spent", numbers.spent, "of 1"],
      [`Bits of ${count} symbols`, within ? total : "no code"],
      ["Counted per symbol", within ? (count ? counted / count : "none yet") : "no code", within && count ? "bits" : ""],
    ];
  }
  function note({ within, spent, words: code }) {
    if (!within) return `Over the budget by ${klExplorer.shown(spent - 1)}: no prefix code has words this short.`;
    if (!code) return "Such lengths need no words of their own: a long message in one piece comes within two bits of their sum.";
    if (spent < 1) return `A share of ${klExplorer.shown(1 - spent)} of the budget lies idle: some word could be shorter.`;
    return "";
  }
  function table({ words: code }, { source, lengths }) {
    const { names, p } = SOURCES[source];
    const spent = klNumbers.sum(lengths.map(share));
    const rows = names.map((name, i) => [name, p[i], -Math.log2(p[i]), lengths[i], share(lengths[i]) / spent, code ? code[i] : "none"]);
    return [["symbol", "p", "log₂(1/p)", "length", "q", "word"], ...rows];
  }

  function drawLengths(canvas, { words: code }, state, explorer) {
    const { lengths, bits, source } = state;
    const { names, p } = SOURCES[source];
    const at = canvas.frame({
      ...{ x: [0, 1], xTicks: [], y: [0, LONGEST], yTicks: [0, 2, 4, 6, 8], top: 26, height: 120, left: 30 },
      yLabel: "bits of each word; lines: log₂(1/p)",
    });
    lengths.forEach((length, i) => {
      const left = at.left + (at.width * (i + 0.2)) / p.length;
      const width = (at.width * 0.6) / p.length;
      canvas.bar(left, at.y(length), width, at.bottom - at.y(length), "q");
      const surprise = at.y(Math.min(LONGEST, -Math.log2(p[i])));
      canvas.line([[left - 4, surprise], [left + width + 4, surprise]], "p");
      canvas.text(left + width / 2, at.bottom + 17, names[i]);
      canvas.text(left + width / 2, at.bottom + 35, code ? code[i] : "–", { kind: "strong" });
      const step = bits === "whole" ? 1 : FINE;
      const [min, max] = [bits === "whole" ? 1 : SHORTEST, LONGEST];
      const set = (value) => {
        const next = Number(Math.min(max, Math.max(min, value)).toFixed(6));
        explorer.set({ lengths: explorer.state.lengths.map((x, j) => (j === i ? next : x)) });
      };
      canvas.handle(`length${i}`, {
        ...{ x: left + width / 2, y: at.y(length), kind: "q" },
        drag: (_, y) => set(Math.round(at.fromY(y) / step) * step),
        slider: {
          ...{ label: `length of the word for ${names[i]}`, min, max, now: length, step, set },
          text: `${length} bits`,
        },
      });
    });
  }
  function drawBudget(canvas, { spent }, { lengths, source }) {
    const { names, p } = SOURCES[source];
    const at = canvas.frame({ x: [0, Math.max(1, spent)], y: [0, 1], yTicks: [], top: 228, height: 74, left: 30 });
    canvas.text(at.left, at.top - 8, "shares: p above, 2^−length below", { anchor: "start", kind: "strong" });
    const boxes = (sizes, order, top, kind) => {
      let start = 0;
      for (const i of order) {
        const [left, width] = [at.x(start), at.x(start + sizes[i]) - at.x(start)];
        const over = start + sizes[i] > 1 + 1e-6 ? "negative" : kind;
        canvas.bar(left, top, width, 28, over);
        if (width > 9.5 * names[i].length) canvas.text(left + width / 2, top + 19, names[i]);
        start += sizes[i];
      }
    };
    const order = inOrder(lengths);
    boxes(p, order, at.top + 3, "p");
    boxes(lengths.map(share), order, at.top + 41, "q");
    canvas.line([[at.x(1), at.top - 2], [at.x(1), at.bottom + 4]], "positive");
  }
  /* The mean of the bits counted so far, beside what it tends to. */
  function drawCounted(canvas, numbers, { count, lengths, source }) {
    const { symbols, words: code, within, mean_length: expected, entropy } = numbers;
    const { names } = SOURCES[source];
    let total = 0;
    const means = within ? symbols.map((symbol, i) => (total += lengths[symbol]) / (i + 1)) : [];
    const last = Math.max(10, count);
    const reach = [...means.slice(count > 10 ? 4 : 0), expected, entropy];
    const y = [Math.max(0, Math.min(...reach) - 0.3), Math.max(...reach) + 0.3];
    const at = canvas.frame({ x: [0, last], y, yTicks: klDrawing.ticks(...y, 4), top: 392, height: 96, left: 46, right: 16, yLabel: "bits a symbol; mean dashed, H(p) solid", xLabel: "symbols drawn from p" });
    for (const [value, kind] of [[entropy, "p"], [expected, "q"]]) {
      canvas.line([[at.left, at.y(value)], [at.left + at.width, at.y(value)]], kind);
    }
    const points = means.map((mean, i) => [i + 1, mean]).filter(([, mean]) => mean >= y[0] && mean <= y[1]);
    canvas.line(points.map(([i, mean]) => [at.x(i), at.y(mean)]), "positive");
    // As many of the last symbols as there is room for, each with its word.
    const shown = [];
    let used = 0;
    for (const symbol of [...symbols].reverse()) {
      const words = code ? `${names[symbol]} ${code[symbol]}` : names[symbol];
      used += words.length + 2;
      if (used * 7.6 > canvas.width - 60) break;
      shown.unshift(words);
    }
    const more = shown.length < symbols.length ? "… " : "";
    canvas.text(8, 356, `Drawn: ${symbols.length ? more + shown.join(", ") : "none yet"}`, { anchor: "start" });
  }
  function draw(canvas, numbers, state, explorer) {
    canvas.tall(530);
    drawLengths(canvas, numbers, state, explorer);
    drawBudget(canvas, numbers, state);
    drawCounted(canvas, numbers, state);
  }

  const lay = (label, lengths, bits) => ({
    label,
    press: (explorer) => explorer.set({ lengths: lengths(SOURCES[explorer.state.source].p), ...bits }),
  });
  const more = (label, count) => ({
    label,
    press: (explorer) => explorer.set({ count: Math.min(MOST, explorer.state.count + count) }),
  });
  klExplorer.define("codebook", {
    label: "A code book within Kraft's budget",
    controls: [
      { name: "source", kind: "choice", label: "Symbols from", options: Object.entries(SOURCES).map(([key, { words: text }]) => [key, text]), value: "winter" },
      { name: "bits", kind: "choice", label: "Lengths", options: [["whole", "whole bits"], ["any", "any length"]], value: "whole" },
      { name: "count", kind: "range", label: "Symbols drawn", min: 0, max: MOST, step: 1, value: 50 },
      { name: "seed", kind: "number", label: "Seed", min: 0, max: 999999, step: 1, value: 1 },
      { name: "lengths", kind: "list", valid, value: [3, 2, 1, 3] },
    ],
    buttons: [
      ...[more("Draw ten", 10), more("Draw a hundred", 100)],
      { label: "New draws", press: (explorer) => explorer.set({ seed: (explorer.state.seed + 1) % 1000000 }) },
      lay("Best whole lengths", huffman, { bits: "whole" }),
      lay("Ideal lengths", ideal, { bits: "any" }),
    ],
    settle, compute, readout, note, table, draw,
  });
})();

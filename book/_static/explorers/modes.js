/* One normal distribution fitted to two humps by forward or reverse KL: the objective as a map over mean
   and log σ, and a descent on it. p is the mixture ½N(−a, 1) + ½N(a, 1), q is N(mean, σ²).

   log p(x) = −½(x² + a²) − ½log 2π + log cosh(ax), so that all integrals are expectations of log cosh(ax)
   and its derivatives under a normal. */
"use strict";

(() => {
  const STEPS = 300; // at most
  const RATE = 0.3; // of the natural gradient
  const LONGEST = 0.35; // of a step, which so changes q by about ½·0.35² = 0.06 nats
  const FLAT = 1e-6; // length of the natural gradient at which the descent ends
  const X = [-7, 7];
  const SIGMA = [0.36, 7];
  const TICKS = [0.5, 1, 2, 4];
  const [COLUMNS, ROWS] = [65, 45]; // of the map; an odd number of columns has one at mean 0
  const { abs, exp, hypot, log, sqrt } = Math;

  /* E_q of log cosh(aX), of tanh(aX) and of 1/cosh²(aX), by the trapezoidal rule. The integrands are
     analytic within π/2a of the real line, so that the error falls like exp(−π²/(a·step)): with `fine` 1
     it is below 1e-16, with 2, for the map, below 1e-10. */
  function expectations(mean, sigma, a, fine) {
    const step = fine * Math.min(sigma / 3, 0.2 / a);
    const most = Math.ceil((9.5 * sigma) / step);
    const sums = [0, 0, 0];
    for (let i = -most; i <= most; i += 1) {
      const weight = exp(-0.5 * ((i * step) / sigma) ** 2);
      const x = a * (mean + i * step);
      const tail = exp(-2 * abs(x));
      sums[0] += weight * (abs(x) - Math.LN2 + Math.log1p(tail));
      sums[1] += (weight * Math.sign(x) * (1 - tail)) / (1 + tail);
      sums[2] += (weight * 4 * tail) / (1 + tail) ** 2;
    }
    return sums.map((total) => (total * step) / (sigma * sqrt(2 * Math.PI)));
  }

  /* KL in nats, and its derivatives by the mean and by log σ. */
  function forward(mean, sigma, a, fine = 1) {
    const spread = (1 + a * a + mean * mean) / (sigma * sigma);
    const [logCosh] = expectations(a, 1, a, fine); // under p it is what it is under either hump
    const value = log(sigma) + 0.5 * spread - 0.5 - a * a + logCosh;
    return { value, byMean: mean / (sigma * sigma), byLogSigma: 1 - spread };
  }
  function reverse(mean, sigma, a, fine = 1) {
    const [logCosh, slope, curvature] = expectations(mean, sigma, a, fine);
    const square = sigma * sigma;
    return {
      value: -0.5 - log(sigma) + 0.5 * (mean * mean + square + a * a) - logCosh,
      byMean: mean - a * slope,
      byLogSigma: square - 1 - a * a * square * curvature,
    };
  }
  const OBJECTIVES = { forward, reverse };

  /* Every point from the start on. A step follows the natural gradient (by the mean in units of q's own
     σ), is never longer than LONGEST, and is halved until the divergence does not rise. */
  function descent(objective, { mean, sigma }, a, steps) {
    const trace = [[mean, sigma]];
    let here = objective(mean, sigma, a);
    for (let i = 0; ; i += 1) {
      const slope = hypot(sigma * here.byMean, here.byLogSigma / Math.SQRT2);
      const ended = slope < FLAT;
      if (ended || i === steps) return { trace, ended, mean, sigma, here };
      let rate = Math.min(RATE, LONGEST / slope);
      const at = () => [mean - rate * sigma * sigma * here.byMean, sigma * exp((-rate * here.byLogSigma) / 2)];
      while (objective(...at(), a).value > here.value + 1e-13) rate /= 2;
      [mean, sigma] = at();
      here = objective(mean, sigma, a);
      trace.push([mean, sigma]);
    }
  }

  function settle(state) {
    const { trace } = descent(OBJECTIVES[state.direction], state, state.humps, state.steps);
    return { ...state, steps: trace.length - 1 };
  }

  function compute(state) {
    const a = state.humps;
    const { trace, ended, mean, sigma, here } = descent(OBJECTIVES[state.direction], state, a, state.steps);
    return {
      mean, sigma, ended, trace,
      kl_pq: forward(mean, sigma, a).value,
      kl_qp: reverse(mean, sigma, a).value,
      by_mean: here.byMean,
      by_log_sigma: here.byLogSigma,
    };
  }

  function readout(numbers, { direction }) {
    const both = [["KL(p‖q)", numbers.kl_pq, "nats"], ["KL(q‖p)", numbers.kl_qp, "nats"]];
    return [
      ...(direction === "forward" ? both : both.reverse()),
      ["Mean of q", numbers.mean, "m"],
      ["σ of q", numbers.sigma, "m"],
      ["Slope in the mean", numbers.by_mean, "nats/m"],
      ["Slope in log σ", numbers.by_log_sigma, "nats"],
    ];
  }
  function note({ ended }, { steps, direction }) {
    const name = direction === "forward" ? "KL(p‖q)" : "KL(q‖p)";
    if (ended) return `After ${steps} steps the ground is flat: ${name} falls no further from here.`;
    return steps === STEPS ? `${STEPS} steps are the most that this descent takes.` : "";
  }
  function table({ trace }, { direction, humps }) {
    const rows = trace.map(([mean, sigma], i) => [String(i), mean, sigma, OBJECTIVES[direction](mean, sigma, humps).value]);
    return [["step", "mean", "σ", direction === "forward" ? "KL(p‖q)" : "KL(q‖p)"], ...rows];
  }

  // The map: heights on a grid over mean and log σ, and its contours.
  const across = Array.from({ length: COLUMNS }, (_, i) => X[0] + ((X[1] - X[0]) * i) / (COLUMNS - 1));
  const up = Array.from({ length: ROWS }, (_, j) => log(SIGMA[0]) + (log(SIGMA[1] / SIGMA[0]) * j) / (ROWS - 1));
  const maps = new Map();
  function heights(direction, a) {
    const key = `${direction} ${a}`;
    if (!maps.has(key)) {
      const of = (mean, logSigma) => OBJECTIVES[direction](mean, exp(logSigma), a, 2).value;
      const half = up.map((logSigma) => across.slice(0, (COLUMNS + 1) / 2).map((mean) => of(mean, logSigma)));
      maps.set(key, half.map((row) => [...row, ...row.slice(0, -1).reverse()])); // p is symmetric
    }
    return maps.get(key);
  }
  /* Round heights, each about 1.5 times as far above the lowest as the one before. */
  function levels(rows) {
    const lowest = Math.min(...rows.flat());
    const found = [];
    for (let above = 0.02; found.length < 14; above *= 1.5) {
      const digits = above < 0.05 ? 2 : above < 4 ? 1 : 0;
      const level = Number((lowest + above).toFixed(digits));
      if (level > (found[found.length - 1] ?? lowest + 0.004)) found.push(level);
    }
    return found;
  }
  /* The lines at one height (marching squares), each a list of [column, row], whole or broken. */
  function contours(rows, level) {
    const ends = new Map(); // from the edge of a cell where a line goes in, to where it goes out
    const point = ([i, j, k, l]) => {
      const share = (level - rows[j][i]) / (rows[l][k] - rows[j][i]);
      return [i + share * (k - i), j + share * (l - j)];
    };
    for (let j = 0; j + 1 < rows.length; j += 1) {
      for (let i = 0; i + 1 < rows[j].length; i += 1) {
        const corners = [[i, j], [i + 1, j], [i + 1, j + 1], [i, j + 1]];
        const high = corners.map(([c, r]) => rows[r][c] > level);
        // Crossed edges in turn; the higher side is always on the same hand, so that pieces meet.
        const crossed = corners.flatMap(([c, r], n) => {
          const [c2, r2] = corners[(n + 1) % 4];
          if (high[n] === high[(n + 1) % 4]) return [];
          const edge = c + r < c2 + r2 ? [c, r, c2, r2] : [c2, r2, c, r];
          return [{ edge, falling: high[n] }];
        });
        crossed.forEach(({ edge, falling }, n) => {
          if (falling) ends.set(edge.join(), [edge, crossed[(n + 1) % crossed.length].edge]);
        });
      }
    }
    const lines = [];
    const entered = new Set([...ends.values()].map(([, to]) => to.join()));
    const starts = [...ends.keys()].sort((a, b) => entered.has(a) - entered.has(b)); // open lines first
    for (const start of starts) {
      if (!ends.has(start)) continue;
      const line = [point(ends.get(start)[0])];
      for (let key = start; ends.has(key); ) {
        const [, to] = ends.get(key);
        ends.delete(key);
        line.push(point(to));
        key = to.join();
      }
      lines.push(line);
    }
    return lines;
  }

  function drawMap(canvas, at, state) {
    const rows = heights(state.direction, state.humps);
    const column = (i) => at.x(X[0] + ((X[1] - X[0]) * i) / (COLUMNS - 1));
    const row = (j) => at.y(up[0] + ((up[up.length - 1] - up[0]) * j) / (ROWS - 1));
    const labels = [];
    levels(rows).forEach((level, n) => {
      const lines = contours(rows, level).map((line) => line.map(([i, j]) => [column(i), row(j)]));
      const path = lines.map((line) => `M${line.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L")}`).join("");
      canvas.add("path", { d: path, class: "line axis contour", "data-level": level });
      const longest = lines.reduce((best, line) => (line.length > best.length ? line : best), []);
      const tall = Math.max(...longest.map(([, y]) => y)) - Math.min(...longest.map(([, y]) => y));
      // Where the line is lowest on the page, if it has room for a label and no other one is near.
      const places = (tall > 60 ? longest : []).filter(([x, y]) => x > at.left + 20 && x < at.left + at.width - 20 && y > at.top + 10 && y < at.bottom - 10);
      const free = places.filter(([x, y]) => labels.every(([, a, b]) => hypot((x - a) / 2, y - b) > 17));
      if (n % 2 === 0 && free.length) {
        const [x, y] = free.reduce((best, place) => (place[1] > best[1] ? place : best));
        labels.push([String(level), x, y]);
      }
    });
    for (const [words, x, y] of labels) {
      const width = 7 * words.length + 4;
      const box = { x: (x - width / 2).toFixed(1), y: (y - 8).toFixed(1), width, height: 16 };
      canvas.add("rect", { ...box, style: "fill: var(--pst-color-background)", fill: "#fff" });
      canvas.text(x, y + 4.5, words);
    }
  }

  function draw(canvas, numbers, state, explorer) {
    canvas.tall(508);
    const { mean, sigma, trace } = numbers;
    const name = state.direction === "forward" ? "KL(p‖q)" : "KL(q‖p)";
    const y = SIGMA.map(log);
    const at = canvas.frame({ x: X, y, yTicks: [], top: 26, height: 290, yLabel: `σ of q, metres; lines of equal ${name}, nats` });
    for (const tick of TICKS) {
      canvas.line([[at.left - 4, at.y(log(tick))], [at.left, at.y(log(tick))]], "axis");
      canvas.text(at.left - 7, at.y(log(tick)) + 4, String(tick), { anchor: "end" });
    }
    canvas.line([[at.left, at.top], [at.left, at.bottom], [at.left + at.width, at.bottom]], "axis");
    drawMap(canvas, at, state);
    canvas.text(at.left + at.width / 2, at.bottom + 34, "mean of q, metres");
    const within = (s) => Math.min(SIGMA[1], Math.max(SIGMA[0], s));
    const points = trace.map(([m, s]) => [at.x(m), at.y(log(within(s)))]);
    canvas.line(points, "positive");
    for (const [cx, cy] of points.slice(0, -1)) canvas.add("circle", { cx: cx.toFixed(1), cy: cy.toFixed(1), r: 2, class: "line positive" });
    const place = (x, height) => ({
      mean: Math.min(6, Math.max(-6, Number(at.fromX(x).toFixed(2)))),
      sigma: Math.min(6, Math.max(0.4, Number(exp(at.fromY(height)).toFixed(2)))),
    });
    canvas.handle("q", {
      x: at.x(mean), y: at.y(log(within(sigma))), kind: "q",
      drag: (x, height) => explorer.set({ ...place(x, height), steps: 0 }),
    });
    const density = (x) => 0.5 * [-1, 1].reduce((total, side) => total + exp(klNumbers.normalLogPdf(x, side * state.humps, 1)), 0);
    const peak = exp(klNumbers.normalLogPdf(mean, mean, sigma));
    const below = canvas.frame({ x: X, y: [0, Math.max(0.22, 1.05 * peak)], top: 384, height: 84, yLabel: "density of p (solid) and q (dashed)", xLabel: "metres from tree" });
    const curve = (f) => Array.from({ length: 141 }, (_, i) => X[0] + 0.1 * i).map((x) => [below.x(x), below.y(f(x))]);
    canvas.area(curve(density), below.bottom, "p");
    canvas.line(curve(density), "p");
    canvas.line(curve((x) => exp(klNumbers.normalLogPdf(x, mean, sigma))), "q");
  }

  const step = (explorer) => explorer.set({ steps: Math.min(STEPS, explorer.state.steps + 1) });
  /* One step a frame, until the ground is flat, or somebody else changes something. */
  function run(explorer) {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      explorer.set({ steps: STEPS });
      return;
    }
    if (compute(explorer.state).ended) explorer.set({ steps: 0 });
    let last = explorer.state;
    const next = () => {
      if (explorer.state !== last) return;
      step(explorer);
      if (explorer.state.steps === last.steps) return;
      last = explorer.state;
      requestAnimationFrame(next);
    };
    next();
  }

  klExplorer.define("modes", {
    label: "One normal fitted to two humps",
    controls: [
      { name: "direction", kind: "choice", label: "Minimise", options: [["forward", "KL(p‖q), forward"], ["reverse", "KL(q‖p), reverse"]], value: "reverse" },
      { name: "mean", kind: "range", label: "Mean at the start", min: -6, max: 6, step: 0.01, value: -1 },
      { name: "sigma", kind: "range", label: "σ at the start", min: 0.4, max: 6, step: 0.01, value: 1 },
      { name: "steps", kind: "range", label: "Steps downhill", min: 0, max: STEPS, step: 1, value: 6 },
      { name: "humps", kind: "range", label: "Humps of p at plus and minus", min: 1, max: 4, step: 0.05, value: 3 },
    ],
    buttons: [{ label: "Step", press: step }, { label: "Run", press: run }],
    settle, compute, readout, note, table, draw,
  });
})();

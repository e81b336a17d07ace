/* A puzzle: draw q so that its divergence from a given p hits a target, in one direction or in both. */
"use strict";

(() => {
  const NAMES = ["a", "b", "c", "d", "e", "f"];
  const LEAST = 0.1; // nats: a q close to p is no puzzle
  const SOLVED = 95;
  const { kl, random, sum, withShare } = klNumbers;

  const valid = (row) =>
    row.length === NAMES.length && row.every((x) => x >= 0 && x <= 1) && Math.abs(sum(row) - 1) < 1e-6;

  /* Six shares with two decimals, none of them 0, from independent exponential numbers. */
  function drawn(next) {
    const sizes = NAMES.map(() => -Math.log(1 - next()) + 0.15);
    const row = sizes.map((size) => Math.round((100 * size) / sum(sizes)));
    row[row.indexOf(Math.max(...row))] += 100 - sum(row);
    return row.map((x) => x / 100);
  }
  /* The seed gives p and some q that solves the puzzle. */
  function puzzle(seed) {
    const next = random(seed);
    const p = drawn(next);
    let solution;
    do solution = drawn(next);
    while (Math.min(kl(p, solution), kl(solution, p)) < LEAST);
    const target = (value) => Number(value.toFixed(3));
    return { p, solution, target_pq: target(kl(p, solution)), target_qp: target(kl(solution, p)) };
  }

  function compute({ seed, goal, q }) {
    const { p, solution, target_pq, target_qp } = puzzle(seed);
    const [kl_pq, kl_qp] = [kl(p, q), kl(q, p)];
    const points = (value, target) => 100 * Math.max(0, 1 - Math.abs(value - target) / target);
    const forward = points(kl_pq, target_pq);
    const reverse = points(kl_qp, target_qp);
    const score = { forward, reverse, both: Math.min(forward, reverse) }[goal];
    return { p, solution, target_pq, target_qp, kl_pq, kl_qp, score };
  }

  function readout(numbers, { goal }) {
    const line = (key, direction) => [
      [`Target for ${direction}`, numbers[`target_${key}`], "nats"],
      [`Your ${direction}`, numbers[`kl_${key}`], "nats"],
    ];
    return [
      ["Score", String(Math.floor(numbers.score)), "of 100"],
      ...(goal === "reverse" ? [] : line("pq", "KL(p‖q)")),
      ...(goal === "forward" ? [] : line("qp", "KL(q‖p)")),
    ];
  }
  function note({ score, kl_pq, kl_qp }, { goal }) {
    if (score < SOLVED) return "";
    const other = { forward: ["KL(q‖p)", kl_qp], reverse: ["KL(p‖q)", kl_pq] }[goal];
    return `Solved.${other ? ` The other direction, ${other[0]}, is ${klExplorer.shown(other[1])} nats.` : ""}`;
  }

  function draw(canvas, { p }, { q }, explorer) {
    canvas.tall(262);
    const most = Math.min(1, Math.max(0.6, ...p, ...q) * 1.1);
    const at = canvas.frame({ x: [0, 6], y: [0, most], xTicks: [], top: 26, height: 200, left: 40, yLabel: "Probability: p solid, q dashed" });
    q.forEach((share, i) => {
      const centre = at.x(i + 0.5);
      const width = at.width / 6;
      canvas.bar(centre - 0.42 * width, at.y(p[i]), 0.84 * width, at.bottom - at.y(p[i]), "p");
      canvas.bar(centre - 0.25 * width, at.y(share), 0.5 * width, at.bottom - at.y(share), "q");
      canvas.text(centre, at.bottom + 18, NAMES[i]);
      const set = (which, value) => explorer.set({ q: withShare(explorer.state.q, which, Math.min(1, Math.max(0, value))) });
      canvas.handle(NAMES[i], {
        ...{ x: centre, y: at.y(share), kind: "q" },
        // Whoever moves on to the next bar draws that one.
        drag: (x, y) => set(Math.min(5, Math.max(0, Math.floor(at.fromX(x)))), Math.round(at.fromY(y) * 200) / 200),
        slider: {
          ...{ label: `q of ${NAMES[i]}`, min: 0, max: 1, now: share, step: 0.01, text: share.toFixed(3) },
          set: (value) => set(i, value),
        },
      });
    });
  }

  klExplorer.define("draw", {
    label: "Draw q to hit a divergence",
    controls: [
      { name: "goal", kind: "choice", label: "Goal", options: [["forward", "KL(p‖q)"], ["reverse", "KL(q‖p)"], ["both", "both at once"]], value: "forward" },
      { name: "seed", kind: "number", label: "Puzzle number", min: 1, max: 9999, step: 1, value: 10 },
      { name: "q", kind: "list", valid, value: [0.1667, 0.1667, 0.1667, 0.1667, 0.1666, 0.1666] },
    ],
    buttons: [
      { label: "Next puzzle", press: (explorer) => explorer.set({ seed: (explorer.state.seed % 9999) + 1 }) },
      { label: "Show a solution", press: (explorer) => explorer.set({ q: puzzle(explorer.state.seed).solution }) },
    ],
    compute, readout, note, draw,
  });
})();

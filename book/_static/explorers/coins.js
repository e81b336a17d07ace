/* A coin is flipped: the log odds of fair against unfair, flip by flip, and what they are after that many
   flips of either coin. p is the fair coin, q the unfair one; odds above 1 speak for the fair one. */
"use strict";

(() => {
  const MOST = 1000; // flips
  const { exp, log } = Math;
  const fair = [0.5, 0.5]; // heads, tails
  const unfair = ({ heads }) => [heads, 1 - heads];

  /* Heads is a number below P(heads), so that another coin with the same seed has other flips. */
  function flipped({ truth, seed, flips, heads }) {
    const next = klNumbers.random(seed);
    const chance = truth === "fair" ? 0.5 : heads;
    return Array.from({ length: flips }, () => (next() < chance ? 0 : 1));
  }
  const logOddsAgainst = (chance) => Math.log1p(-chance) - log(chance);
  /* The log-likelihood ratio of each number of tails in n flips. */
  const ratioOf = (n, ratio) => (tails) => (n - tails) * ratio[0] + tails * ratio[1];

  /* Binomial probabilities of 0 … n tails, each from the one before. */
  function binomial(n, [heads, tails]) {
    const chances = [heads ** n];
    for (let k = 0; k < n; k += 1) chances.push((chances[k] * (n - k) * tails) / ((k + 1) * heads));
    return chances;
  }

  function compute(state) {
    const coins = { p: fair, q: unfair(state) };
    const ratio = fair.map((chance, side) => klNumbers.logRatio(chance, coins.q[side]));
    const start = logOddsAgainst(Number(state.prior));
    const odds = [start];
    let tails = 0;
    const sides = flipped(state);
    sides.forEach((side, i) => {
      tails += side;
      odds.push(start + ratioOf(i + 1, ratio)(tails));
    });
    const threshold = log(Number(state.odds));
    const decided = odds.findIndex((x) => Math.abs(x) >= threshold);
    const n = state.flips;
    const evidence = Array.from({ length: n + 1 }, (_, k) => ratioOf(n, ratio)(k));
    const [underP, underQ] = [binomial(n, coins.p), binomial(n, coins.q)];
    const share = (chances, says) => klNumbers.sum(chances.filter((_, k) => says(evidence[k])));
    return {
      kl_pq: klNumbers.kl(coins.p, coins.q),
      kl_qp: klNumbers.kl(coins.q, coins.p),
      odds, tails, threshold, evidence, sides,
      decided: decided < 0 ? null : decided,
      now: odds[n],
      belief: 1 / (1 + exp(-odds[n])), // that the coin is fair
      under_p: underP,
      under_q: underQ,
      fair_called_unfair: share(underP, (x) => x < state.cut),
      unfair_called_fair: share(underQ, (x) => x >= state.cut),
    };
  }

  function readout(numbers, { flips }) {
    return [
      ["Log odds of fair", numbers.now, "nats"],
      ["Probability of fair", numbers.belief],
      ["Evidence per flip", flips ? (numbers.now - numbers.odds[0]) / flips : "none yet", flips ? "nats" : ""],
      ["If fair, KL(p‖q)", numbers.kl_pq, "nats"],
      ["If unfair, −KL(q‖p)", -numbers.kl_qp, "nats"],
      ["Fair, called unfair", numbers.fair_called_unfair],
      ["Unfair, called fair", numbers.unfair_called_fair],
    ];
  }
  function note({ decided, odds, tails }, { truth, flips, odds: needed }) {
    const seen = `${flips - tails} heads, ${tails} tails.`;
    if (decided === null) return `${seen} The odds have not reached ${needed} to 1 yet.`;
    const verdict = odds[decided] > 0 ? "fair" : "unfair";
    const when = decided ? `Flip ${decided} takes` : "Without any flip, the prior takes";
    return `${seen} ${when} the odds past ${needed} to 1 for ${verdict}, which is ${verdict === truth ? "right" : "wrong"}.`;
  }
  function table({ evidence, under_p: underP, under_q: underQ }) {
    const rows = evidence.map((x, k) => [String(k), x, underP[k], underQ[k]]);
    const likely = rows.filter((row) => Math.max(row[2], row[3]) > 5e-4);
    return [["tails", "evidence, nats", "if fair", "if unfair"], ...likely];
  }

  function drawOdds(canvas, numbers, state) {
    const { odds, threshold, decided } = numbers;
    const slopes = { p: numbers.kl_pq, q: -numbers.kl_qp };
    const last = Math.max(10, state.flips);
    const reach = [...odds, threshold, -threshold, odds[0] + last * slopes[state.truth === "fair" ? "p" : "q"]];
    const [least, most] = [Math.min(...reach), Math.max(...reach)];
    const room = 0.14 * (most - least); // for the words at the lines
    const y = [least - room, most + room];
    const at = canvas.frame({ x: [0, last], y, top: 26, height: 170, left: 52, right: 16, yLabel: "log odds of fair, nats", xLabel: "flips" });
    const shown = ([x, value]) => value >= y[0] && value <= y[1] && x <= last;
    for (const [coin, slope] of Object.entries(slopes)) {
      // As far as the frame goes.
      const end = Math.min(last, ...y.map((edge) => (edge - odds[0]) / slope).filter((x) => x > 0));
      canvas.line([[at.x(0), at.y(odds[0])], [at.x(end), at.y(odds[0] + end * slope)]], coin);
    }
    // At the left as long as the unfair coin's line ends near its threshold.
    const [edge, anchor] = last * numbers.kl_qp < 3 * threshold ? [at.left + 3, "start"] : [at.left + at.width - 3, "end"];
    for (const [side, word] of [[1, "fair"], [-1, "unfair"]]) {
      const height = at.y(side * threshold);
      canvas.line([[at.left, height], [at.left + at.width, height]], "negative");
      const above = side > 0 ? -5 : 15;
      canvas.text(edge, height + above, `“${word}”`, { anchor, kind: "strong" });
    }
    canvas.line(odds.map((x, i) => [i, x]).filter(shown).map(([i, x]) => [at.x(i), at.y(x)]), "positive");
    if (decided !== null) {
      const where = { cx: at.x(decided).toFixed(1), cy: at.y(odds[decided]).toFixed(1), r: 5 };
      canvas.add("circle", { ...where, class: "bar positive decision" });
    }
  }
  /* The last flips, as many as there is room for. */
  function drawFlips(canvas, { sides }) {
    const room = Math.floor((canvas.width - 75) / 15);
    const letters = sides.slice(-room).map((side) => (side ? "T" : "H"));
    const words = sides.length ? `${sides.length > room ? "… " : ""}${letters.join(" ")}` : "none yet";
    canvas.text(8, 254, `Flips: ${words}`, { anchor: "start" });
  }
  function drawEvidence(canvas, numbers, state, explorer) {
    const { evidence, under_p: underP, under_q: underQ } = numbers;
    const likely = evidence.filter((_, k) => Math.max(underP[k], underQ[k]) > 1e-4);
    const spacing = numbers.evidence.length > 1 ? evidence[1] - evidence[0] : 4;
    const x = [Math.min(...likely, -4) - spacing, Math.max(...likely, 4) + spacing];
    const most = Math.max(...underP, ...underQ);
    const at = canvas.frame({
      ...{ x, y: [0, most * 1.05], top: 296, height: 130, left: 52, right: 16, yLabel: "probability if fair, or unfair (dashed)" },
      xLabel: `evidence L of ${state.flips} flips, nats`,
    });
    const width = Math.max(1, Math.min(26, (at.width * spacing) / (x[1] - x[0])) * 0.8);
    for (const [coin, chances] of [["p", underP], ["q", underQ]]) {
      chances.forEach((chance, k) => {
        if (chance < 4e-3 * most) return; // half a pixel
        canvas.bar(at.x(evidence[k]) - width / 2, at.y(chance), width, at.bottom - at.y(chance), coin);
      });
    }
    const within = Math.min(x[1], Math.max(x[0], state.cut));
    canvas.line([[at.x(within), at.top - 2], [at.x(within), at.bottom]], "negative");
    const set = (value) => explorer.set({ cut: Number(Math.min(20, Math.max(-20, value)).toFixed(1)) });
    canvas.handle("cut", {
      ...{ x: at.x(within), y: at.top + 4, kind: "negative" },
      drag: (place) => set(at.fromX(place)),
    });
  }
  function draw(canvas, numbers, state, explorer) {
    canvas.tall(468);
    drawOdds(canvas, numbers, state);
    drawFlips(canvas, numbers);
    drawEvidence(canvas, numbers, state, explorer);
  }

  const flip = (label, count) => ({
    label,
    press: (explorer) => explorer.set({ flips: Math.min(MOST, explorer.state.flips + count) }),
  });
  klExplorer.define("coins", {
    label: "Flips of a coin that is fair or unfair",
    controls: [
      { name: "truth", kind: "choice", label: "The coin is", options: [["fair", "fair"], ["unfair", "unfair"]], value: "fair" },
      { name: "prior", kind: "choice", label: "Prior of unfair", options: [["0.5", "1/2"], ["0.01", "1/100"], ["0.000001", "1/1,000,000"]], value: "0.5" },
      { name: "odds", kind: "choice", label: "Decide at odds of", options: [["9", "9 to 1"], ["99", "99 to 1"], ["9999", "9,999 to 1"], ["1000000", "1,000,000 to 1"]], value: "99" },
      { name: "heads", kind: "range", label: "P(heads) of the unfair coin", min: 0.51, max: 0.99, step: 0.01, value: 0.99 },
      { name: "flips", kind: "range", label: "Flips", min: 0, max: MOST, step: 1, value: 10 },
      { name: "cut", kind: "range", label: "Call it fair if L is at least", min: -20, max: 20, step: 0.1, value: 0 },
      { name: "seed", kind: "number", label: "Seed", min: 0, max: 999999, step: 1, value: 1 },
    ],
    buttons: [
      ...[flip("Flip", 1), flip("Ten flips", 10), flip("A hundred", 100)],
      { label: "New flips", press: (explorer) => explorer.set({ seed: (explorer.state.seed + 1) % 1000000 }) },
    ],
    compute, readout, note, table, draw,
  });
})();

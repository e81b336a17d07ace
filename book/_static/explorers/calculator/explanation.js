// Which habits of a call explain its answer: kl_lib/diagnosis/explanation.py.
//
// No reason is looked up by the name of a library. The sum is computed again with every subset of
// the habits that a call might have, the smallest first, and the first that reproduces the answer to
// within rounding is the explanation.
(function (kl) {
  "use strict";

  const { arrays, divergences, habits, measures, wording } = kl;
  const { AGREEMENT, relativeGap } = measures;

  const EPSILON = { float64: 2 ** -52, float32: 2 ** -23 };
  const LEAST = { float64: 2 ** -1074, float32: 2 ** -149 };

  /** Why a call that may have `some` habits gives `got`; `exact` null if the input is invalid. */
  function explain(got, asked, some, exact, faults = []) {
    if (asked.shape === null) {
      const [p, q] = [asked.p, asked.q].map((x) => wording.tuple(x.shape));
      return [{ kind: "unexplained", message: `answers although shapes ${p} and ${q} clash` }];
    }
    const candidates = subsets(some);
    const found = search(got, asked, candidates);
    if (found === null) {
      const message = "no habit this call is known for gives this number";
      return [{ kind: "unexplained", message }];
    }
    const axis = habits.axisOf(asked, found.habits);
    const reasons = found.habits.map((one) => ({
      kind: one.kind,
      message: habits.says(one, asked, axis),
    }));
    if (exact !== null) return [...reasons, ...beside(got, asked, found, exact)];
    const settled = new Set(found.habits.flatMap((one) => one.settles));
    const also = [found.habits, ...indistinguishable(got, asked, found, candidates)];
    for (const fault of faults) {
      if (!settled.has(fault)) reasons.push(...unnoticed(fault, got, asked, found, also));
    }
    return reasons;
  }

  // The search

  /** All subsets with at most one way to reduce, the smallest first. */
  function subsets(some) {
    const found = arrays.range(2 ** some.length).map((bits) =>
      arrays.range(some.length).filter((i) => bits & (1 << i)));
    const inOrder = (a, b) => {
      if (a.length !== b.length) return a.length - b.length;
      const i = a.findIndex((x, j) => x !== b[j]);
      return i < 0 ? 0 : a[i] - b[i];
    };
    return found.sort(inOrder)
      .map((subset) => subset.map((i) => some[i]))
      .filter((subset) => subset.filter((one) => one.over !== null).length <= 1);
  }

  /** The first of the candidates that gives `got`, or a later one that comes much nearer. */
  function search(got, asked, candidates) {
    let best = null;
    for (const some of candidates) {
      const fit = fitOf(got, asked, some);
      if (fit !== null && (best === null || isMuchNearer(fit, best))) best = fit;
      if (best !== null && best.gap <= best.noise) break;
    }
    return best;
  }

  /** In few bits, rounding hides small effects: only so is one better than the other. */
  const isMuchNearer = (fit, other) =>
    fit.gap < other.gap / 4 && other.gap - fit.gap > fit.noise;

  const isSame = (x, y) => x === y || (Number.isNaN(x) && Number.isNaN(y));

  /** The sum with these habits, if it is `got` to within rounding. */
  function fitOf(got, asked, some) {
    const axes = habits.summed(asked, some);
    const left = asked.shape.filter((_, i) => !axes.includes(i));
    if (!arrays.equalShapes(left, got.shape)) return null; // before anything is computed
    const { value, size } = habits.total(asked, some);
    // Some roundings for each logarithm and product, and √n for a sum of n.
    const summands = Math.floor(arrays.sizeOf(asked.shape) / Math.max(value.data.length, 1));
    const sizes = size.data.map((x) => (8 + Math.sqrt(summands)) * x);
    const coarse = Math.max(EPSILON[got.dtype], EPSILON.float64);
    let [gap, noise] = [0, 0];
    for (let i = 0; i < sizes.length; i += 1) {
      const own = isSame(got.data[i], value.data[i]) ? 0 : Math.abs(got.data[i] - value.data[i]);
      if (!(own <= coarse * sizes[i] + summands * LEAST[got.dtype])) return null;
      gap = Math.max(gap, own);
      noise = Math.max(noise, sizes[i]);
    }
    return { habits: some, value, gap, noise: EPSILON.float64 * noise };
  }

  // What a habit does not say

  /** Of a valid input: sums that are not divided by, and rounding. */
  function beside(got, asked, found, exact) {
    const reasons = [];
    let { value, noise } = found;
    const isUndivided = sumsMatter(got, asked, found, AGREEMENT);
    if (isUndivided) {
      const message = `does not divide by the sums: ${habits.sums(asked, asked.axis)}`;
      reasons.push({ kind: "sum", message });
    }
    if (!arrays.equalShapes(got.shape, exact.shape)) return reasons;
    if (!found.habits.length) { // the plain sum cancels: only the exact one tells what that did
      [value, noise] = [isUndivided ? undivided(asked) : exact, 0];
    }
    const gaps = got.data.map((x, i) =>
      (Math.abs(x - value.data[i]) <= noise ? 0 : relativeGap(x, value.data[i])));
    if (gaps.some((gap) => gap > AGREEMENT)) {
      const i = measures.argmax(gaps);
      const off = wording.signed(got.data[i] - value.data[i], 2);
      reasons.push({ kind: "rounding", message: `rounding in ${got.dtype}: off by ${off} nats` });
    }
    return reasons;
  }

  /** Whether the answer tells that it is not divided by the sums, by more than `part` of it. */
  function sumsMatter(got, asked, found, part = 0) {
    if (found.habits.some((one) => one.settles.includes("sum"))) return false;
    // What is lost in reading float32 is lost before anything is divided.
    const some = [habits.DIVIDE, ...found.habits];
    some.sort((a, b) => Number(b === habits.FLOAT32) - Number(a === habits.FLOAT32));
    const divided = fitOf(got, asked, some);
    if (divided !== null && !isMuchNearer(found, divided)) return false;
    const { value } = habits.total(asked, some);
    return value.data.some((x, i) => relativeGap(x, found.value.data[i]) > part);
  }

  /** Σ p·log(p/q) of the numbers as they are, without cancellation. */
  function undivided(asked) {
    const [p, q] = [asked.p, asked.q].map((x) =>
      arrays.moveAxis(arrays.broadcastTo(x, asked.shape), asked.axis, -1));
    const rows = arrays.rowsOf(q);
    const values = arrays.rowsOf(p).map((row, i) => {
      const sums = [row, rows[i]].map((x) => arrays.sum(arrays.make(x, [x.length]), [0]).data[0]);
      return divergences.generalizedDivergence(row, rows[i]) + (sums[0] - sums[1]);
    });
    return arrays.make(values, p.shape.slice(0, -1));
  }

  /** More habits that give the same nan or inf, which hides what else the call does. */
  function indistinguishable(got, asked, found, candidates) {
    if (got.data.every(Number.isFinite)) return [];
    return candidates.filter((some) =>
      some.length > found.habits.length
      && found.habits.every((one) => some.includes(one))
      && fitOf(got, asked, some) !== null);
  }

  /** A fault of the input that the answer passes over, or passes on in each of the ways `also`. */
  function unnoticed(fault, got, asked, found, also) {
    const { p, q } = asked;
    const shapes = [p.shape, q.shape, asked.shape].map(wording.tuple);
    let kind = fault;
    let text = {
      labels: "got the numbers without their labels, paired by position",
      empty: "does not refuse a row that sums to 0",
    }[fault] || `broadcasts shapes ${shapes[0]} and ${shapes[1]} to ${shapes[2]}`;
    if (fault === "sum") {
      text = `takes the sums as they are: ${habits.sums(asked, asked.axis)}`;
      if (!sumsMatter(got, asked, found)) {
        kind = "undecided";
        text = "the same with or without dividing by the sums: "
          + habits.sums(asked, asked.axis);
      }
    } else if (fault === "negative" || fault === "logarithms") {
      // Of numbers that are taken for logarithms, in whatever way, nothing is to be said.
      const n = negatives(asked, also.flat()) || negatives(asked, found.habits);
      if (n === 0) return [];
      const negative = wording.count(n, "negative number");
      const some = effects(habits.question(finite(p), finite(q), asked.axis), also);
      text = `does not refuse ${negative}`;
      if (some.size === 1 && some.has("nan")) text = `nan from log of ${negative}`;
      else if (some.has("nan") && ![p, q].some((x) => x.data.some(Number.isNaN))) {
        text += ", whose log may be where nan is from";
      }
    } else if (fault === "nan" || fault === "infinite") {
      const both = [...p.data, ...q.data];
      const kinds = [];
      if (both.some(Number.isNaN)) kinds.push("nan");
      if (both.some((x) => Math.abs(x) === Infinity)) kinds.push("inf");
      const some = effects(
        habits.question(arrays.map(p, Math.abs), arrays.map(q, Math.abs), asked.axis), also,
      );
      const out = some.size === 1 ? [...some][0] : "";
      const n = both.filter((x) => !Number.isFinite(x)).length;
      text = `${kinds.join(" or ")} in ${wording.entries(n)}`
        + (out ? `, so ${out} out` : " does not stop it");
    }
    return [{ kind, message: text }];
  }

  /** How many negative numbers are taken for probabilities, and not for logarithms. */
  function negatives(asked, some) {
    const logarithms = new Set(some.map((one) => one.logarithm));
    return ["p", "q"]
      .filter((name) => !logarithms.has(name))
      .reduce((n, name) => n + arrays.countOf(asked[name], (x) => x < 0), 0);
  }

  /** What a fault does, as the only one in p and q, in each of some ways to add up. */
  function effects(asked, ways) {
    const change = (x) => arrays.map(finite(x), Math.abs);
    const harmless = habits.question(change(asked.p), change(asked.q), asked.axis);
    return new Set(ways.map((some) => {
      const [after, before] = [asked, harmless].map((one) => habits.total(one, some).value.data);
      if (after.some((x, i) => Number.isNaN(x) && !Number.isNaN(before[i]))) return "nan";
      const isInfinite = (x) => Math.abs(x) === Infinity;
      return after.some((x, i) => isInfinite(x) && !isInfinite(before[i])) ? "inf" : "";
    }));
  }

  const finite = (x) => arrays.map(x, (value) => (Number.isFinite(value) ? value : 1));

  kl.explanation = { explain };
})((window.klCalculator = window.klCalculator || {}));

// The numbers of a report on valid input, row by row: kl_lib/diagnosis/measures.py.
/* global klNumbers */
(function (kl) {
  "use strict";

  const { arrays, checks, divergences, wording } = kl;
  const { LN2, number, percent } = wording;

  const TERMS = 5;
  const COARSE = 1e-3;
  const AGREEMENT = 1e-6;
  const BITS = 53;

  const MEASURES = {
    "KL(q‖p)": (p, q) => divergences.klDivergence(q, p),
    "Jensen-Shannon": (p, q) => divergences.jensenShannon(p, q),
    "entropy of p": (p) => divergences.entropy(p),
    "entropy of q": (p, q) => divergences.entropy(q),
    "cross-entropy H(p, q)": (p, q) => divergences.crossEntropy(p, q),
    "cross-entropy H(q, p)": (p, q) => divergences.crossEntropy(q, p),
  };

  /** Zeros of one distribution where the other has none; the first is the one that has mass there. */
  const ZEROS = {
    "p > 0, q = 0": (p, q) => p > 0 && q === 0,
    "q > 0, p = 0": (p, q) => q > 0 && p === 0,
  };

  /** |got − exact|/exact; inf where only one is finite or exact is 0, 0 where they are equal. */
  function relativeGap(got, exact) {
    if (Object.is(got, exact) || got === exact) return 0;
    const gap = Math.abs(got - exact) / Math.abs(exact);
    return Number.isNaN(gap) ? Infinity : gap;
  }

  /** p and q broadcast to rows, and everything a report says of each. */
  function measure(both, normalize) {
    const [a, b] = arrays.together(...both.arrays);
    const shape = a.shape.slice(0, -1);
    const [p, q] = [arrays.rowsOf(a), arrays.rowsOf(b)];
    const exact = p.map((row, i) => divergences.klDivergence(row, q[i]));
    const of = p.map((row, i) => ofRow(row, q[i], exact[i], normalize));
    return { shape, p, q, exact, of, names: both.names, normalize };
  }

  function ofRow(givenP, givenQ, exact, normalize) {
    const of = {};
    for (const [name, value] of Object.entries(MEASURES)) of[name] = value(givenP, givenQ);
    const p = divergences.normalized(givenP, normalize);
    const q = divergences.normalized(givenQ, normalize);
    Object.entries(ZEROS).forEach(([name, test], which) => {
      // Of what was given: dividing by the sum can turn a count into 0.
      const at = arrays.range(p.length).filter((i) => test(givenP[i], givenQ[i]));
      of[name] = at;
      of[`mass ${name}`] = at.reduce((mass, i) => mass + (which ? q : p)[i], 0);
    });
    of.plain = plainSum(p, q);
    of.coarse = coarse(p, q, exact);
    return of;
  }

  /** Σ p·log(p/q). A zero of p adds nothing: the nan of 0·log 0 is another matter. */
  function plainSum(p, q) {
    const terms = p.map((x, i) => (x > 0 ? x * Math.log(x / q[i]) : 0));
    return arrays.sum(arrays.make(terms, [terms.length]), [0]).data[0];
  }

  /** What rounding each entry to its dtype can do to KL, to first order. */
  function coarse(p, q, exact) {
    let total = 0;
    for (let i = 0; i < p.length; i += 1) {
      const log = p[i] > 0 && q[i] > 0 ? klNumbers.logRatio(p[i], q[i]) : 0;
      total += Math.abs(p[i] * (log - exact)) + Math.abs(p[i] - q[i]);
    }
    return total * 2 ** -BITS;
  }

  /** The first place of the largest, nan counting as the largest, as np.argmax has it. */
  function argmax(values) {
    let best = 0;
    for (let i = 0; i < values.length; i += 1) {
      if (Number.isNaN(values[i])) return i;
      if (values[i] > values[best]) best = i;
    }
    return best;
  }

  /** What the report says of the numbers of valid rows, the one with the largest KL first. */
  function reportFields(rows, base, summaries) {
    const divisor = checks.checkBase(base);
    const flat = argmax(rows.exact);
    const values = { "KL(p‖q)": rows.exact };
    for (const name of Object.keys(MEASURES)) values[name] = rows.of.map((of) => of[name]);
    const mismatches = mismatchesOf(rows);
    const rounding = roundingOf(rows);
    return {
      verdict: verdict(rows, mismatches),
      row: arrays.placeOf(flat, rows.shape),
      measures: Object.entries(values).map(([name, x]) => ({
        name,
        nats: x[flat],
        bits: x[flat] / LN2,
        in_base: base === null ? null : x[flat] / divisor,
      })),
      summaries: rows.shape.length ? summariesOf(values) : [],
      ...termsOf(rows.p[flat], rows.q[flat], rows.names),
      mismatches,
      rounding,
      notes: notesOf(rows, rounding, summaries),
    };
  }

  function verdict(rows, mismatches) {
    const infinite = rows.exact.filter((x) => x === Infinity).length;
    if (!infinite) {
      const text = wording.divergence(arrays.make(rows.exact, rows.shape));
      return `${text[0].toUpperCase()}${text.slice(1)}.`;
    }
    const n = rows.exact.length;
    const where = rows.shape.length ? ` in ${infinite} of ${wording.count(n, "row")}` : "";
    const entries = wording.entries(mismatches[0].count);
    return `KL(p‖q) is infinite${where}: q is 0 where p is not (${entries}).`;
  }

  function summariesOf(values) {
    return Object.entries(values).flatMap(([name, x]) => {
      const finite = x.filter(Number.isFinite);
      const total = arrays.sum(arrays.make(finite, [finite.length]), [0]).data[0];
      const found = {
        minimum: x.reduce((a, b) => Math.min(a, b)),
        mean: finite.length ? total / finite.length : Infinity,
        maximum: x.reduce((a, b) => Math.max(a, b)),
      };
      const infinite = x.filter((y) => y === Infinity).length;
      return [["nats", 1], ["bits", LN2]].map(([unit, divisor]) => ({
        name,
        unit,
        minimum: found.minimum / divisor,
        mean: found.mean / divisor,
        maximum: found.maximum / divisor,
        infinite,
      }));
    });
  }

  /** The categories that carry most of the sum, and the share they carry together. */
  function termsOf(p, q, names) {
    const [a, b] = [divergences.normalized(p), divergences.normalized(q)];
    const terms = divergences.klTerms(p, q);
    // p·log(p/q) − p + q has the same sum and is never negative.
    const parts = terms.map((term, i) =>
      (a[i] > 0 && b[i] === 0 && q[i] > 0 ? term - a[i] : divergences.generalizedTerm(a[i], b[i])));
    const total = parts.reduce((sum, x) => sum + x, 0);
    if (total === 0) return { terms: [], carried: null };
    const isFinite = Number.isFinite(total);
    const order = arrays.range(parts.length).sort((i, j) => parts[j] - parts[i] || i - j);
    const top = order.slice(0, TERMS);
    let before = 0;
    const listed = [];
    for (const i of top) {
      const share = parts[i] / total;
      if (isFinite ? before < 0.99 : parts[i] === Infinity) {
        listed.push([i, share]);
      }
      before += share;
    }
    const rest = order.slice(listed.length).reduce((sum, i) => sum + parts[i], 0);
    return {
      terms: listed.map(([i, share]) => ({
        index: i,
        p: a[i],
        q: b[i],
        term: terms[i],
        share: isFinite ? share : null,
        label: labelOf(names, i),
      })),
      carried: isFinite ? 1 - rest / total : null,
    };
  }

  /** What a category is called, in a few letters; a number that only counts is no name. */
  function labelOf(names, i) {
    const text = names ? String(names[i]).trim().split(/\s+/).join(" ") : String(i);
    return text === String(i) ? null : text.slice(0, 24);
  }

  function mismatchesOf(rows) {
    return Object.keys(ZEROS).flatMap((name) => {
      const some = arrays.range(rows.of.length).filter((i) => rows.of[i][name].length);
      if (!some.length) return [];
      const places = some.slice(0, checks.PLACES).flatMap((i) =>
        rows.of[i][name].slice(0, checks.PLACES)
          .map((category) => [...arrays.placeOf(i, rows.shape), category]));
      return [{
        name,
        count: some.reduce((n, i) => n + rows.of[i][name].length, 0),
        rows: some.length,
        places: places.slice(0, checks.PLACES),
        mass: Math.max(...rows.of.map((of) => of[`mass ${name}`])),
      }];
    });
  }

  /** The plain sum, where it is furthest off. */
  function roundingOf(rows) {
    const gaps = rows.of.map((of, i) => relativeGap(of.plain, rows.exact[i]));
    const flat = argmax(gaps);
    return {
      dtype: "float64",
      row: arrays.placeOf(flat, rows.shape),
      naive: rows.of[flat].plain,
      exact: rows.exact[flat],
      relative: gaps[flat],
      negative_rows: rows.of.filter((of) => of.plain < 0).length,
    };
  }

  function notesOf(rows, rounding, summaries) {
    const notes = [];
    const isBatch = rows.shape.length > 0;
    const equal = arrays.range(rows.exact.length).filter((i) => rows.exact[i] === 0);
    if (equal.length) {
      const same = equal.every((i) => {
        const [a, b] = [rows.p[i], rows.q[i]].map((row) => divergences.normalized(row));
        return a.every((x, j) => x === b[j]);
      });
      const where = isBatch ? ` in ${wording.count(equal.length, "row")}` : "";
      const why = same ? "p and q are equal" : "p and q differ by less than their sums can tell";
      notes.push({ kind: "equal", message: `KL(p‖q) is 0${where}: ${why}` });
    }
    if (rounding.relative > AGREEMENT) {
      notes.push({ kind: "cancellation", message: cancellation(rounding, isBatch) });
    }
    notes.push(...precision(rows));
    if (!rows.normalize) notes.push(...summaries.flatMap((argument) => sumNote(argument, isBatch)));
    return notes;
  }

  function sumNote(argument, isBatch) {
    const [low, high] = argument.sums || [1, 1];
    if (!(Math.max(Math.abs(low - 1), Math.abs(high - 1)) > 1e-9)) return [];
    const who = isBatch ? `the rows of ${argument.name} sum` : `${argument.name} sums`;
    const digits = wording.digitsFromOne(low, high);
    const total = wording.span(low, high, "between {} and {}", digits);
    const message = `${who} to ${total}, as float64 may: the numbers here are those after dividing `
      + "by it";
    return [{ kind: "sum", message }];
  }

  function cancellation(rounding, isBatch) {
    const digits = wording.digitsApart(rounding.naive, rounding.exact);
    const [naive, right] = [rounding.naive, rounding.exact].map((x) => number(x, digits));
    let text = `the plain sum of p log(p/q) in float64 gives ${naive} nats instead of ${right}`;
    if (rounding.row.length) text += `, row ${wording.index(rounding.row)}`;
    if (rounding.exact > 0 && Number.isFinite(rounding.relative)) {
      text += `, off by ${percent(rounding.relative)}`;
    }
    if (isBatch && rounding.negative_rows) {
      text += `; it is negative in ${wording.count(rounding.negative_rows, "row")}`;
    }
    if (!Number.isFinite(rounding.naive)) {
      return `${text}: p/q leaves the range of float64 there, and log p - log q does not`;
    }
    return `${text}. kl_divergence adds terms that are never negative, so none cancel`;
  }

  function precision(rows) {
    const parts = rows.of.map((of, i) => {
      const exact = rows.exact[i];
      return Number.isFinite(exact) && exact > 0 ? of.coarse / exact : 0;
    });
    const flat = argmax(parts);
    if (!(parts[flat] > COARSE)) return [];
    const where = rows.shape.length
      ? ` in row ${wording.index(arrays.placeOf(flat, rows.shape))}` : "";
    const message = `float64 keeps ${BITS} bits: rounding of the entries alone can move KL(p‖q)`
      + `${where} by up to ${number(rows.of[flat].coarse, 2)} nats, ${percent(parts[flat])} of it`;
    return [{ kind: "precision", message }];
  }

  kl.measures = { AGREEMENT, relativeGap, argmax, measure, reportFields };
})((window.klCalculator = window.klCalculator || {}));

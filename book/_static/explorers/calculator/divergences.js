// Divergences and entropies of rows, by the numbers that the explorers share (kl_numbers.js).
//
// A row is an array of numbers that are not negative, and is meant divided by its sum. What is here
// is for what a report meets beside: infinity, masses that nobody divides, and rows whose entries
// are further apart than a float reaches.
/* global klNumbers */
(function (kl) {
  "use strict";

  const largest = (row) => row.reduce((most, x) => (x > most ? x : most), 0);

  /** Whether a power of two that brings the largest to about 1 takes digits from another. */
  function isFar(row) {
    const power = 2 ** -Math.floor(Math.log2(largest(row)));
    return row.some((x) => (x * power) / power !== x);
  }

  /** p·log(p/q) − p + q: never negative, q where p is 0, inf where only q is. */
  function generalizedTerm(p, q, difference = p - q) {
    if (p === 0) return q;
    if (q === 0) return Infinity;
    if (Math.abs(difference) < 0.5 * p) return p * klNumbers.minusLog1p(-difference / p);
    return Math.max(p * klNumbers.logRatio(p, q) - difference, 0);
  }

  /** Shares of a row, and the logarithms of those that are too small for a float. */
  function shares(row) {
    const most = largest(row);
    const total = klNumbers.sum(row.map((x) => x / most));
    return Array.from(row, (x) => ({
      share: x / most / total,
      log: Math.log(x) - Math.log(most) - Math.log(total),
    }));
  }

  /** KL(p‖q) of two rows, each divided by its sum, in nats. */
  function klDivergence(givenP, givenQ) {
    const [p, q] = [Array.from(givenP), Array.from(givenQ)];
    if (p.some((x, i) => x > 0 && q[i] === 0)) return Infinity;
    if (!isFar(p) && !isFar(q)) return klNumbers.kl(p, q);
    const [a, b] = [shares(p), shares(q)];
    const terms = a.map(({ share, log }, i) =>
      (share === 0 ? b[i].share : share * (log - b[i].log) - share + b[i].share));
    return klNumbers.sum(terms.map((x) => Math.max(x, 0)));
  }

  /** Σ (p·log(p/q) − p + q) of masses that nobody divides. */
  const generalizedDivergence = (p, q) =>
    klNumbers.sum(Array.from(p, (x, i) => generalizedTerm(x, q[i])));

  /** The terms p·log(p/q) of two rows, each divided by its sum. */
  function klTerms(givenP, givenQ) {
    const [p, q] = [Array.from(givenP), Array.from(givenQ)];
    if (!isFar(p) && !isFar(q)) return klNumbers.klTerms(p, q);
    const [a, b] = [shares(p), shares(q)];
    return a.map(({ share, log }, i) => (p[i] === 0 ? 0 : share * (log - b[i].log)));
  }

  const jensenShannon = (p, q) => klNumbers.js(Array.from(p), Array.from(q));

  /** −Σ p·log q of two rows, each divided by its sum. */
  function crossEntropy(givenP, givenQ) {
    const [p, q] = [Array.from(givenP), Array.from(givenQ)];
    if (!isFar(q)) return klNumbers.crossEntropy(p, q);
    const logs = shares(q);
    return klNumbers.sum(shares(p).map(({ share }, i) =>
      (p[i] === 0 ? 0 : share * Math.max(-logs[i].log, 0))));
  }

  const entropy = (p) => crossEntropy(p, p);

  /** Each entry divided by the sum; of counts by the largest first, which keeps the sum finite. */
  function normalized(row, areCounts = true) {
    const most = areCounts ? largest(row) : 1;
    const x = Float64Array.from(row, (value) => value / most);
    const total = kl.arrays.sum(kl.arrays.make(x, [x.length]), [0]).data[0];
    return x.map((value) => value / total);
  }

  kl.divergences = {
    generalizedTerm, klDivergence, generalizedDivergence, klTerms, jensenShannon, crossEntropy,
    entropy, normalized,
  };
})((window.klCalculator = window.klCalculator || {}));

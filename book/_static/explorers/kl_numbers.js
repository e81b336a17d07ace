/* The numbers of kl_lib for the browser, in nats: p is the reference, q the approximation.

   Rows of numbers that are not negative are divided by their sums. What has to be a difference of
   close numbers is taken before anything rounds, as in kl_lib/stable.py and kl_lib/kernels/cross.py,
   so that the results agree with kl_lib's to twelve digits, near equality and at infinity, too. */
"use strict";

const klNumbers = (() => {
  const SMALL = 1 / 4; // below this |z| the series keep all digits
  const { abs, exp, log, log1p, max, sqrt } = Math;

  // Exact additions and products (Knuth, Dekker): the rounded result and what rounding left out.
  function twoSum(a, b) {
    const total = a + b;
    const moved = total - a;
    return [total, a - (total - moved) + (b - moved)];
  }
  function split(x) {
    const big = 134217729 * x; // 2^27 + 1
    const high = big - (big - x);
    return [high, x - high];
  }
  function twoProduct(a, b) {
    const [aHigh, aLow] = split(a);
    const [bHigh, bLow] = split(b);
    const product = a * b;
    return [product, aHigh * bHigh - product + aHigh * bLow + aLow * bHigh + aLow * bLow];
  }
  function exactSum(values) {
    let high = 0;
    let low = 0;
    for (const value of values) {
      const [total, error] = twoSum(high, value);
      high = total;
      low += error;
    }
    return twoSum(high, low);
  }
  /* The sum of a row, rounded once; an infinite term makes it infinite. */
  function sum(values) {
    const plain = values.reduce((a, b) => a + b, 0);
    return Number.isFinite(plain) ? exactSum(values)[0] : plain;
  }

  // (atanh(z) − z)/z² for small z.
  function atanhExcess(z) {
    let total = 0;
    for (let k = 15; k >= 1; k -= 1) total = total * z * z + 1 / (2 * k + 1);
    return total * z;
  }
  /* x − log(1 + x), never negative. */
  function minusLog1p(x) {
    const z = x / (2 + x);
    return abs(z) < SMALL ? x * z - 2 * z * z * atanhExcess(z) : x === Infinity ? x : x - log1p(x);
  }
  /* log(p/q) with all digits for p near q; `difference` is p − q. */
  function logRatio(p, q, difference = p - q) {
    if (p === q) return difference === 0 ? 0 : log1p(difference / q);
    if (abs(difference) < 0.5 * q) return log1p(difference / q);
    const ratio = p / q;
    return ratio > 1e-290 && ratio < 1e290 ? log(ratio) : log(p) - log(q);
  }
  /* p·log(p/q) − p + q, never negative; `ratio` is log(p/q). */
  function generalizedTerm(p, q, difference, ratio) {
    if (p === 0) return q;
    const z = difference / (p + q);
    if (!(abs(z) < SMALL)) return max(p * ratio - difference, 0);
    return difference * z * (1 + (1 + z) * atanhExcess(z));
  }
  /* ½·p·log(p/m) + ½·q·log(q/m) with m = (p + q)/2, never negative. */
  function jsTerm(p, q, difference) {
    const whole = p + q;
    if (whole === 0) return 0;
    const z = difference / whole;
    if (abs(z) < SMALL) {
      let series = 0;
      for (let k = 15; k >= 1; k -= 1) series = series * z * z + 1 / (k * (2 * k - 1));
      return (whole / 4) * series * z * z;
    }
    const part = (x) => (x === 0 ? 0 : x * logRatio(2 * x, whole));
    return max(0.5 * (part(p) + part(q)), 0);
  }

  // A power of two changes no digit, and keeps sums and products of counts finite.
  function scaled(row) {
    const power = 2 ** -Math.floor(Math.log2(max(...row)));
    return row.map((x) => x * power);
  }
  /* For every category p·Σq, q·Σp, their difference, and the logarithm of their quotient; and Σp·Σq. */
  function cross(p, q) {
    const rows = [scaled(p), scaled(q)];
    const [[pSum, pRest], [qSum, qRest]] = rows.map(exactSum);
    const total = pSum * qSum;
    const shares = p.map((_, i) => {
      const [a, aLow] = twoProduct(rows[0][i], qSum);
      const [b, bLow] = twoProduct(rows[1][i], pSum);
      return { a, b, difference: a - b + (aLow - bLow + (rows[0][i] * qRest - rows[1][i] * pRest)) };
    });
    for (const share of shares) {
      const { a, b, difference } = share;
      share.log = a === 0 && b === 0 ? 0 : logRatio(a, b, difference);
    }
    return { shares, total };
  }

  /* Every term of KL(p‖q); a term of p = 0 is 0, one of q = 0 is infinite. */
  function klTerms(p, q) {
    const { shares, total } = cross(p, q);
    return shares.map(({ a, log: ratio }) => (a === 0 ? 0 : (a / total) * ratio));
  }
  function kl(p, q) {
    const { shares, total } = cross(p, q);
    return sum(shares.map((s) => generalizedTerm(s.a, s.b, s.difference, s.log))) / total;
  }
  function js(p, q) {
    const { shares, total } = cross(p, q);
    return Math.min(sum(shares.map((s) => jsTerm(s.a, s.b, s.difference))) / total, Math.LN2);
  }
  function totalVariation(p, q) {
    const { shares, total } = cross(p, q);
    return sum(shares.map(({ difference }) => abs(difference))) / (2 * total);
  }
  /* −Σ p·log q. A q above one half is set against the others: the surprise of what is almost certain
     would be lost in the rounding of its share. */
  function crossEntropy(p, q) {
    const [pRow, qRow] = [scaled(p), scaled(q)];
    const qSum = sum(qRow);
    const others = sum(qRow.filter((x) => x <= 0.5 * qSum));
    const surprise = (x) => (x > 0.5 * qSum ? log1p(others / x) : log(qSum) - log(x));
    return sum(pRow.map((x, i) => (x === 0 ? 0 : x * surprise(qRow[i])))) / sum(pRow);
  }
  const entropy = (p) => crossEntropy(p, p);

  // Normal distributions: mean and standard deviation.
  const half = (x) => 0.5 * x * x;
  function klNormal(locP, scaleP, locQ, scaleQ) {
    const wider = (scaleP - scaleQ) / scaleQ;
    return minusLog1p(wider) + half(wider) + half((locP - locQ) / scaleQ);
  }
  const density = (z) => exp(-half(z)) / sqrt(2 * Math.PI);
  const normalLogPdf = (x, loc, scale) =>
    -half((x - loc) / scale) - log(scale) - 0.5 * log(2 * Math.PI);

  /* P(Z > z) of a standard normal: the series about 0, and Laplace's continued fraction beyond 2. */
  function upperTail(z) {
    if (z < 0) return 1 - upperTail(-z);
    if (z > 2) {
      let fraction = z;
      for (let k = 160; k >= 1; k -= 1) fraction = z + k / fraction;
      return density(z) / fraction;
    }
    let term = z;
    let series = z;
    for (let k = 3; term > 1e-18 * series; k += 2) series += term *= (z * z) / k;
    return 0.5 - density(z) * series;
  }
  /* P(low < Z < high), from the tail that is nearer. */
  function between(low, high) {
    if (low + high < 0) return between(-high, -low);
    return low < 0 ? 1 - upperTail(-low) - upperTail(high) : upperTail(low) - upperTail(high);
  }
  /* KL(q‖p) where q is N(locQ, scaleQ²) restricted to low … high, and p is not. */
  function klTruncated(locQ, scaleQ, low, high, locP, scaleP) {
    const [a, b] = [(low - locQ) / scaleQ, (high - locQ) / scaleQ];
    const mass = between(a, b);
    const [left, right] = [density(a), density(b)];
    const mean = (left - right) / mass; // of z = (x − locQ)/scaleQ, and below of z² − 1
    const excess = ((Number.isFinite(a) ? a * left : 0) - (Number.isFinite(b) ? b * right : 0)) / mass;
    const ratio = scaleQ / scaleP;
    const shift = (locQ - locP) / scaleP;
    const outside = upperTail(-a) + upperTail(b);
    const cut = mass > 0.5 ? -log1p(-outside) : -log(mass);
    const wider = (scaleQ - scaleP) / scaleP;
    const square = half(wider) + wider; // (ratio² − 1)/2
    return sum([minusLog1p(wider), half(wider), half(shift), cut, square * excess, shift * ratio * mean]);
  }

  /* A distribution with share i changed: the others make room in the proportions they have. Four
     decimals keep a link short; the largest of the others takes what their rounding leaves. */
  function withShare(row, i, value) {
    const rounded = (x) => Number(x.toFixed(4));
    const others = sum(row) - row[i];
    const room = 1 - rounded(value);
    const next = row.map((x, j) => {
      if (j === i) return rounded(value);
      return rounded(room * (others > 0 ? x / others : 1 / (row.length - 1)));
    });
    let largest = i === 0 ? 1 : 0;
    next.forEach((x, j) => {
      if (j !== i && x > next[largest]) largest = j;
    });
    next[largest] = 0;
    next[largest] = rounded(max(0, 1 - sum(next)));
    return next;
  }

  /* Numbers from 0 to 1 that a seed repeats, in Python, too: tests/explorers.py (mulberry32). */
  function random(seed) {
    let state = seed >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  }

  return Object.freeze({
    ...{ sum, entropy, crossEntropy, kl, klTerms, js, totalVariation, logRatio, minusLog1p },
    ...{ klNormal, normalLogPdf, upperTail, between, klTruncated, withShare, random },
  });
})();

// Divergences and entropies of rows, from terms that do not cancel: kl_lib/kernels, kl_lib/stable.py.
//
// A row is an array of numbers that are not negative, and is meant divided by its sum. Products of
// an entry of p with the sum of q, and the reverse, are kept to twice the digits of a float: their
// difference is exact where p and q almost agree.
(function (kl) {
  "use strict";

  const LN2 = Math.LN2;
  const SMALL = 1 / 4; // below this |z| the series keep all digits
  const NEAR = 0.5; // below this |p − q|/q the logarithm is one of 1 + x

  /** x as m·2^e with m from ½ to 1. */
  function frexp(x) {
    if (x === 0 || !Number.isFinite(x)) return [x, 0];
    const lifted = Math.abs(x) < 2 ** -1022 ? 2 ** 64 : 1;
    let exponent = Math.max(-1022, Math.floor(Math.log2(Math.abs(x * lifted))) + 1);
    let mantissa = scaled(x * lifted, -exponent);
    while (Math.abs(mantissa) >= 1) [mantissa, exponent] = [mantissa / 2, exponent + 1];
    while (Math.abs(mantissa) < 0.5) [mantissa, exponent] = [mantissa * 2, exponent - 1];
    return [mantissa, exponent - (lifted === 1 ? 0 : 64)];
  }

  /** x·2^power, without an overflow on the way. */
  function scaled(x, power) {
    let result = x;
    let rest = power;
    while (rest > 1000) [result, rest] = [result * 2 ** 1000, rest - 1000];
    while (rest < -1000) [result, rest] = [result * 2 ** -1000, rest + 1000];
    return result * 2 ** rest;
  }

  /** a + b as the rounded sum and what the rounding left out (Knuth). */
  function twoSum(a, b) {
    const total = a + b;
    const moved = total - a;
    return [total, a - (total - moved) + (b - moved)];
  }

  function split(x) {
    const big = 134217729 * x; // 2²⁷ + 1
    const high = big - (big - x);
    return [high, x - high];
  }

  /** a·b as the rounded product and what the rounding left out (Dekker). */
  function twoProduct(a, b) {
    const product = a * b;
    const [ah, al] = split(a);
    const [bh, bl] = split(b);
    return [product, ah * bh - product + ah * bl + al * bh + al * bl];
  }

  /** The sum of a row as a float and what rounding took from it. */
  function exactSum(row) {
    let high = 0;
    let low = 0;
    for (const x of row) {
      const [total, error] = twoSum(high, x);
      [high, low] = [total, low + error];
    }
    return twoSum(high, low);
  }

  const largest = (row) => row.reduce((most, x) => (x > most ? x : most), 0);

  /** Which power of two brings the largest of a row to between 1 and 2. */
  const powerOf = (row) => frexp(largest(row))[1] - 1;

  /** A row and its exponent, so that sums and products of huge or tiny counts stay finite. */
  function scaledRow(row) {
    const power = powerOf(row);
    return { row: Array.from(row, (x) => scaled(x, -power)), power };
  }

  /** Σ 1 + z²/3 + ...: (atanh(z) − z)/z² for small z. */
  function atanhExcess(z) {
    const square = z * z;
    let out = 0;
    for (let k = 15; k >= 1; k -= 1) out = out * square + 1 / (2 * k + 1);
    return out * z;
  }

  /** p·log(p/q) − p + q from p − q and z = (p − q)/(p + q), |z| < SMALL; never negative. */
  function closeTerm(difference, z) {
    const excess = atanhExcess(z);
    return (excess + excess * z + 1) * z * difference;
  }

  /** p·log(p/q) − p + q: q where p is 0, inf where only q is. */
  function generalizedTerm(p, q, difference = p - q, log = logRatio(p, q)) {
    if (p === 0 && q === 0) return 0;
    const half = 0.5 * difference;
    const z = half / (0.5 * p + 0.5 * q);
    if (Math.abs(z) < SMALL) return Math.max(2 * closeTerm(half, z), 0);
    if (p === 0) return q;
    return Math.max(p * log - difference, 0);
  }

  /** log(p/q), also where the quotient leaves the floats. */
  function logRatio(p, q) {
    if (p === q) return 0;
    if (p === 0) return -Infinity;
    if (q === 0) return Infinity;
    if (Math.abs(p - q) < NEAR * q) return Math.log1p((p - q) / q);
    const [[a, m], [b, n]] = [frexp(p), frexp(q)];
    return Math.log(a / b) + (m - n) * LN2;
  }

  /** p·Σq and q·Σp of two rows, and their differences; `log` of their quotient. */
  class Cross {
    constructor(p, q) {
      this.given = [p, q];
      [this.p, this.q] = [scaledRow(p), scaledRow(q)];
      [this.pSum, this.pRest] = exactSum(this.p.row);
      [this.qSum, this.qRest] = exactSum(this.q.row);
      this.total = this.pSum * this.qSum;
      // What a category with more than half of p's mass is short of, all others have too much:
      // of two products near the whole their difference would have lost its digits.
      this.short = 0;
      for (let i = 0; i < p.length; i += 1) {
        const [a, , difference] = this.products(i);
        if (!(a > 0.5 * this.total)) this.short -= difference;
      }
    }

    /** p·Σq, q·Σp and their difference, times 2 to the power of `lift`. */
    products(i, lift = 0) {
      const [p, q] = [scaled(this.p.row[i], lift), scaled(this.q.row[i], lift)];
      const [a, aLow] = twoProduct(p, this.qSum);
      const [b, bLow] = twoProduct(q, this.pSum);
      const rest = p * this.qRest - q * this.pRest;
      return [a, b, a - b + (aLow - bLow + rest)];
    }

    of(i) {
      const [a, b, difference] = this.products(i);
      return [a, b, a > 0.5 * this.total ? this.short : difference];
    }

    /** log of the quotient of the shares, with all its digits near 0. */
    log(i) {
      const [p, q] = [this.given[0][i], this.given[1][i]];
      if (p === 0 || q === 0) return logRatio(p, q);
      const [a] = this.products(i);
      let [, b, difference] = this.of(i);
      if (!(a > 0.5 * this.total) && b < 1e-100) {
        [, b, difference] = this.productsOf(p, q);
      }
      if (Math.abs(difference) < NEAR * b) return Math.log1p(difference / b);
      const [[m, e], [n, f]] = [frexp(p), frexp(q)];
      const power = e - f - this.p.power + this.q.power;
      const [[s, g], [t, h]] = [frexp(this.qSum), frexp(this.pSum)];
      return Math.log((m / n) * (s / t)) + (power + g - h) * LN2;
    }

    /** The products of small numbers, lifted to where they keep their digits. */
    productsOf(p, q) {
      const lift = -frexp(q)[1];
      const own = scaled(p, lift - this.p.power + this.q.power);
      const other = scaled(q, lift);
      const [a, aLow] = twoProduct(own, this.qSum);
      const [b, bLow] = twoProduct(other, this.pSum);
      const rest = own * this.qRest - other * this.pRest;
      return [a, b, a - b + (aLow - bLow + rest)];
    }
  }

  /** KL(p‖q) of two rows, each divided by its sum, in nats. */
  function klDivergence(p, q) {
    const cross = new Cross(p, q);
    let total = 0;
    for (let i = 0; i < p.length; i += 1) {
      if (p[i] > 0 && q[i] === 0) return Infinity;
      total += generalizedTerm(...cross.of(i), cross.log(i));
    }
    return total / cross.total;
  }

  /** Σ (p·log(p/q) − p + q) of masses that nobody divides. */
  function generalizedDivergence(p, q) {
    let total = 0;
    for (let i = 0; i < p.length; i += 1) total += generalizedTerm(p[i], q[i]);
    return total;
  }

  /** The terms p·log(p/q) of two rows, each divided by its sum. */
  function klTerms(p, q) {
    const cross = new Cross(p, q);
    return Array.from(p, (x, i) => {
      if (x === 0) return 0;
      if (q[i] === 0) return Infinity;
      return (cross.p.row[i] / cross.pSum) * cross.log(i);
    });
  }

  /** ½·p·log(p/m) + ½·q·log(q/m) with m = (p + q)/2; never negative. */
  function jensenShannonTerm(p, q, difference) {
    const total = p + q;
    if (total === 0) return 0;
    const z = difference / total;
    if (Math.abs(z) < SMALL) {
      const square = z * z;
      let out = 0;
      for (let k = 15; k >= 1; k -= 1) out = out * square + 1 / (k * (2 * k - 1));
      return Math.max(out * square * total * 0.25, 0);
    }
    const ofP = p === 0 ? 0 : p * logRatio(2 * p, total);
    const ofQ = q === 0 ? 0 : q * logRatio(2 * q, total);
    return Math.max(0.5 * (ofP + ofQ), 0);
  }

  function jensenShannon(p, q) {
    const cross = new Cross(p, q);
    let total = 0;
    for (let i = 0; i < p.length; i += 1) total += jensenShannonTerm(...cross.of(i));
    return Math.min(total / cross.total, LN2);
  }

  /** −Σ p·log q of two rows, each divided by its sum, from terms that are not negative. */
  function crossEntropy(p, q) {
    const own = scaledRow(p);
    const other = scaledRow(q);
    const [pSum] = exactSum(own.row);
    const [qSum] = exactSum(other.row);
    const half = 0.5 * qSum;
    const others = other.row.reduce((n, x) => (x > half ? n : n + x), 0);
    let surprise = 0;
    for (let i = 0; i < p.length; i += 1) {
      if (p[i] === 0) continue;
      if (q[i] === 0) return Infinity;
      // What is almost certain is set against all others: its share would have lost its surprise.
      const isMost = other.row[i] > half;
      const [m, e] = frexp(q[i]);
      const log = isMost
        ? Math.log1p(others / other.row[i])
        : Math.log(qSum / m) + (other.power - e) * LN2;
      surprise += own.row[i] * log;
    }
    return surprise / pSum;
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
    frexp, scaled, logRatio, generalizedTerm, klDivergence, generalizedDivergence, klTerms,
    jensenShannon, crossEntropy, entropy, normalized,
  };
})((window.klCalculator = window.klCalculator || {}));

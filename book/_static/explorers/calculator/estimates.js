// The other functions of kl_lib that a remedy may call: from logits, of coins, from counts, from points.
/* global klNumbers */
(function (kl) {
  "use strict";

  const { arrays, divergences } = kl;

  const fail = (why) => {
    throw new Error(why);
  };

  /** e^(−t) − 1 + t, never negative. */
  function expm1Plus(t) {
    const x = Math.expm1(-t);
    return Math.abs(t) < 0.1 ? klNumbers.minusLog1p(x) : x + t;
  }

  /** KL(softmax(a)‖softmax(b)) of two rows: kl_lib.kl_from_logits. */
  function klFromLogits(a, b) {
    const [aTop, bTop] = [a, b].map((row) => Math.max(...row));
    if (![aTop, bTop].every(Number.isFinite)) fail("no softmax");
    const rest = (row, top) => Math.log(row.reduce((n, x) => n + Math.exp(x - top), 0));
    const [aRest, bRest] = [rest(a, aTop), rest(b, bTop)];
    let [total, sum, surplus] = [0, 0, 0];
    for (let i = 0; i < a.length; i += 1) {
      if (b[i] === -Infinity && a[i] !== -Infinity) return Infinity;
      const [p, q] = [Math.exp(a[i] - aTop - aRest), Math.exp(b[i] - bTop - bRest)];
      if (p === 0) {
        [total, surplus] = [total + q, surplus + q];
        continue;
      }
      const gap = a[i] - b[i] - (aTop - bTop) - (aRest - bRest);
      const isNear = Math.abs(gap) < 0.1;
      const more = isNear ? p * Math.expm1(-gap) : q - p;
      total += Math.max(isNear ? p * expm1Plus(gap) : p * gap + more, 0);
      [sum, surplus] = [sum + p, surplus + more];
    }
    return Math.max(total / sum - klNumbers.minusLog1p(surplus / sum), 0);
  }

  /** KL between two coins: kl_lib.kl_bernoulli. */
  function klBernoulli(p, q) {
    if (!(p >= 0 && p <= 1 && q >= 0 && q <= 1)) fail("no probabilities");
    const { generalizedTerm } = divergences;
    return generalizedTerm(p, q) + generalizedTerm(1 - p, 1 - q, q - p);
  }

  // From counts: kl_lib.kl_from_counts

  const dot = (a, b) => a.reduce((n, x, i) => n + x * b[i], 0);

  /** Value, standard error and bias; `alpha` is added to every count. */
  function klFromCounts(a, b, alpha = 0) {
    for (const row of [a, b]) {
      if (!row.every((x) => Number.isFinite(x) && x >= 0 && Number.isInteger(x))) fail("no counts");
      if (!row.some((x) => x > 0)) fail("nothing was counted");
    }
    if (a.length !== b.length) fail("do not pair up");
    const add = (row) => row.map((x) => x + alpha);
    const value = divergences.klDivergence(add(a), add(b));
    if (value === Infinity) return { value, standardError: NaN, bias: null };
    const [n, m] = [a, b].map((row) => row.reduce((total, x) => total + x, 0));
    const totals = [n, m].map((total) => total + alpha * a.length);
    if (!totals.every((total) => Number.isFinite(total ** 2))) fail("too many");
    const p = Array.from(a, (x) => (x + alpha) / totals[0]);
    const q = Array.from(b, (x) => (x + alpha) / totals[1]);
    const { bias, first, second } = deltaMethod(p, q, n, m, alpha);
    return { value, standardError: Math.sqrt(Math.max(first - second, second)), bias };
  }

  /** Bias of the plug-in estimate to first order, and its variance in two parts. */
  function deltaMethod(allP, allQ, n, m, alpha) {
    const categories = allP.length;
    const [pTotal, qTotal] = [n + alpha * categories, m + alpha * categories];
    const [vP, vQ] = [n / pTotal ** 2, m / qTotal ** 2];
    const seen = arrays.range(categories).filter((i) => allP[i] > 0);
    const [p, q] = [allP, allQ].map((row) => seen.map((i) => row[i]));
    const ratio = p.map((x, i) => x / q[i]);
    const log = p.map((x, i) => klNumbers.logRatio(x, q[i]));
    const shiftP = p.map((x) => (alpha * (1 - categories * x)) / pTotal);
    const shiftQ = q.map((x) => (alpha * (1 - categories * x)) / qTotal);
    const total = (row) => row.reduce((sum, x) => sum + x, 0);
    const [traceP, traceQ] = [p.length - 1, total(ratio) - 1];
    const bias = dot(log, shiftP) - dot(ratio, shiftQ) + 0.5 * (vP * traceP + vQ * traceQ);
    const mean = dot(p, log);
    const first = vP * dot(p, log.map((x) => (x - mean) ** 2))
      + vQ * (dot(q, ratio.map((x) => (x - 1) ** 2)) + 1 - total(q));
    const second = vP ** 2 * traceP
      + 2 * vP * vQ * dot(ratio, p.map((x) => 1 - x))
      + vQ ** 2 * (total(ratio.map((x) => x * x)) - 2 * dot(ratio, p) + 1);
    return { bias, first, second: 0.5 * second };
  }

  // From points: kl_lib.kl_knn, of one dimension

  const NEIGHBOUR = 5;
  const QUARTERS = 20;

  /** The random numbers of np.random.default_rng(0): PCG64. */
  function generator() {
    const mask = (1n << 128n) - 1n;
    const multiplier = 0x2360ed051fc65da44385df649fccf645n;
    let state = 35399562948360463058890781895381311971n;
    const increment = 87136372517582989555478159403783844777n;
    let kept = null; // the upper half of the last 64 bits
    const next64 = () => {
      state = (state * multiplier + increment) & mask;
      const mixed = (state >> 64n) ^ (state & 0xffffffffffffffffn);
      const turn = state >> 122n;
      return ((mixed >> turn) | (mixed << (64n - turn))) & 0xffffffffffffffffn;
    };
    const next32 = () => {
      if (kept !== null) {
        const value = kept;
        kept = null;
        return value;
      }
      const value = next64();
      kept = value >> 32n;
      return value & 0xffffffffn;
    };
    /** A whole number from 0 to `most`: of as many bits, until one is not beyond. */
    return (most) => {
      const bits = (1n << BigInt(most.toString(2).length)) - 1n;
      for (;;) {
        const value = Number(next32() & bits);
        if (value <= most) return value;
      }
    };
  }

  function quarter(points, random) {
    const order = arrays.range(points.length);
    for (let i = order.length - 1; i >= 1; i -= 1) {
      const j = random(i);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order.slice(0, Math.floor(points.length / 4)).map((i) => points[i]);
  }

  /** The distance of x to its k-th nearest among sorted points. */
  function neighbourDistance(x, sorted, k) {
    let right = 0;
    let end = sorted.length;
    while (right < end) {
      const middle = (right + end) >> 1;
      if (sorted[middle] < x) right = middle + 1;
      else end = middle;
    }
    let left = right - 1;
    let distance = Infinity;
    for (let found = 0; found < k; found += 1) {
      const below = left >= 0 ? x - sorted[left] : Infinity;
      const above = right < sorted.length ? sorted[right] - x : Infinity;
      distance = Math.min(below, above);
      if (below <= above) left -= 1;
      else right += 1;
    }
    return distance;
  }

  function estimateFromPoints(x, y) {
    const [own, other] = [x, y].map((row) => Float64Array.from(row).sort());
    let total = 0;
    for (const point of x) {
      // The nearest neighbour of a point of x among x is itself.
      const near = neighbourDistance(point, own, NEIGHBOUR + 1);
      const far = neighbourDistance(point, other, NEIGHBOUR);
      if (near === 0 || far === 0) fail("ties");
      total += Math.log(far) - Math.log(near);
    }
    return total / x.length + Math.log(y.length / (x.length - 1));
  }

  function klFromPoints(x, y) {
    for (const row of [x, y]) {
      if (row.length <= NEIGHBOUR || !row.every(Number.isFinite)) fail("too few points");
      if (row.every((value) => value === row[0])) fail("no density");
    }
    const value = estimateFromPoints(x, y);
    let standardError = NaN;
    if (Math.floor(Math.min(x.length, y.length) / 4) > NEIGHBOUR) {
      const random = generator();
      const quarters = arrays.range(QUARTERS).map(() => {
        const some = quarter(x, random);
        return estimateFromPoints(some, quarter(y, random));
      });
      const mean = quarters.reduce((n, z) => n + z, 0) / QUARTERS;
      const variance = quarters.reduce((n, z) => n + (z - mean) ** 2, 0) / (QUARTERS - 1);
      standardError = Math.sqrt(variance) / Math.sqrt(3);
    }
    return { value, standardError, bias: null };
  }

  kl.estimates = { klFromLogits, klBernoulli, klFromCounts, klFromPoints };
})((window.klCalculator = window.klCalculator || {}));

// The functions of NumPy and kl_lib that a remedy may call, on what was given or on arrays.
(function (kl) {
  "use strict";

  const { arrays, checks, divergences, estimates, inputs, reading } = kl;

  const given = (array) => ({ type: "array", array });

  const fail = (why) => {
    throw new Error(why);
  };

  // NumPy reads a list or a table as an array, and of a dict makes an object.
  const asArray = (value) => (value.type === "dict" ? fail("a dict") : value.array);

  const elementwise = (change) => (value) => given(arrays.map(asArray(value), change));

  const infinityAsLargest = (x) => (Math.abs(x) === Infinity ? Math.sign(x) * Number.MAX_VALUE : x);

  function withoutRows(value, rows, axis) {
    const array = asArray(value);
    const kept = arrays.range(array.shape[axis]).filter((i) => !rows.includes(i));
    return given(arrays.take(array, kept, axis));
  }

  function concatenated(value) {
    const array = asArray(value);
    const parts = [arrays.map(array, (x) => 1 - x), array];
    const axis = array.shape.length - 1;
    const width = array.shape[axis];
    const both = arrays.stack(parts); // (..., width, 2), of which the last two change places
    const order = arrays.range(axis + 2);
    [order[axis], order[axis + 1]] = [axis + 1, axis];
    return given(arrays.reshape(
      arrays.transpose(both, order), [...array.shape.slice(0, -1), 2 * width],
    ));
  }

  function squeezed(value) {
    const array = asArray(value);
    return given(arrays.reshape(array, array.shape.filter((n) => n !== 1)));
  }

  /** Rows with a 1 at the class number, the categories on `axis`. */
  function oneHot(value, count, isColumn, axis) {
    const array = asArray(value);
    const batch = isColumn ? array.shape.slice(0, -1) : array.shape;
    const data = new Float64Array(arrays.sizeOf(batch) * count);
    array.data.forEach((x, i) => { data[i * count + x] = 1; });
    return given(arrays.moveAxis(arrays.make(data, [...batch, count]), -1, axis));
  }

  function columnsStacked(value) {
    if (value.type !== "dict") return given(asArray(value));
    return given(reading.read(value, "p"));
  }

  const numpy = {
    exp: elementwise(Math.exp),
    log: elementwise(Math.log),
    logit: elementwise((x) => Math.log(x / (1 - x))),
    nonNegative: elementwise((x) => (Number.isNaN(x) ? x : Math.max(x, 0))),
    nanToNum: elementwise((x) => (Number.isNaN(x) ? 0 : infinityAsLargest(x))),
    half: elementwise((x) => x + 0.5),
    float32: (value) => {
      const array = arrays.map(asArray(value), Math.fround);
      return given({ ...array, dtype: "float32" });
    },
    transpose: (value) => {
      const array = asArray(value);
      return given(arrays.transpose(array, arrays.range(array.shape.length).reverse()));
    },
    ravel: (value) => given(arrays.reshape(asArray(value), [asArray(value).data.length])),
    flatTables: (value) => {
      const { shape } = asArray(value);
      const width = shape[shape.length - 2] * shape[shape.length - 1];
      return given(arrays.reshape(asArray(value), [...shape.slice(0, -2), width]));
    },
    squeezed, concatenated, withoutRows, oneHot, columnsStacked,
  };

  // kl_lib: each takes what stands for p and for q, and gives {value}, an array, or an estimate.

  /** p and q as rows that pair up, and the shape of the batch. */
  function rowsOf(p, q, axis) {
    const own = [inputs.read(p, "p"), inputs.read(q, "q")];
    for (const { fault } of own) if (fault) throw fault;
    const both = checks.both(...own, axis);
    const [a, b] = arrays.together(...both.arrays);
    if (a.shape[a.shape.length - 1] === 0) fail("no categories");
    return { own, p: arrays.rowsOf(a), q: arrays.rowsOf(b), shape: a.shape.slice(0, -1) };
  }

  function ofRows(rows, measure) {
    return { value: arrays.make(rows.p.map((row, i) => measure(row, rows.q[i])), rows.shape) };
  }

  function checked(p, q, { axis, normalize }) {
    const rows = rowsOf(p, q, axis);
    const deep = Math.max(...rows.own.map((x) => x.array.shape.length));
    for (const { array, name } of rows.own) {
      const tolerance = array.dtype === "float32" ? checks.FLOAT32_TOLERANCE : checks.TOLERANCE;
      checks.distribution(array, name, inputs.fromEnd(axis, deep), normalize, tolerance);
    }
    return rows;
  }

  function klDivergence(p, q, options) {
    const rows = checked(p, q, options);
    const found = ofRows(rows, divergences.klDivergence);
    const isCoarse = rows.own.every(({ array }) => array.dtype === "float32");
    return isCoarse ? { value: arrays.map(found.value, Math.fround) } : found;
  }

  const jsDivergence = (p, q, options) =>
    ofRows(checked(p, q, options), divergences.jensenShannon);

  function klFromLogits(p, q, { axis }) {
    const rows = rowsOf(p, q, axis);
    for (const { array } of rows.own) {
      if (array.data.some((x) => Number.isNaN(x) || x === Infinity)) fail("no logits");
    }
    return ofRows(rows, estimates.klFromLogits);
  }

  function klBernoulli(p, q) {
    const own = [inputs.read(p, "p"), inputs.read(q, "q")];
    for (const { fault } of own) if (fault) throw fault;
    // A dict of numbers comes back as one, and a report takes arrays alone.
    if ([p, q].some((x) => x.type === "dict") && own.every((x) => x.array.shape.length === 1)) {
      fail("a dict");
    }
    const roles = (ndim) => arrays.range(ndim).map((i) => i - ndim);
    const [a, b] = reading.aligned(...own, roles).arrays;
    return { value: arrays.zip(a, b, estimates.klBernoulli) };
  }

  function vectors(p, q) {
    const own = [inputs.read(p, "p"), inputs.read(q, "q")];
    for (const { fault, array } of own) {
      if (fault) throw fault;
      if (array.shape.length !== 1) fail("no vector");
    }
    return own;
  }

  const estimate = (found) => ({ ...found, value: arrays.make([found.value], []), isEstimate: true });

  function klFromCounts(p, q, { smoothing = 0 }) {
    const found = reading.aligned(...vectors(p, q), reading.rolesOf(-1)).arrays;
    return estimate(estimates.klFromCounts(...found.map((x) => x.data), smoothing));
  }

  function klKnn(p, q) {
    const [a, b] = vectors(p, q).map(({ array }) => array.data);
    return estimate(estimates.klFromPoints(a, b));
  }

  /** Probabilities from logits; of a dict of numbers a dict. */
  function softmax(value, axis) {
    const array = reading.read(value, "logits");
    const own = inputs.fromEnd(axis, array.shape.length);
    const moved = arrays.moveAxis(array, own, -1);
    const rows = arrays.rowsOf(moved).map((row) => {
      const top = row.reduce((a, b) => Math.max(a, b), -Infinity);
      if (!Number.isFinite(top)) fail("no logits");
      const weights = row.map((x) => Math.exp(x - top));
      const total = arrays.sum(arrays.make(weights, [weights.length]), [0]).data[0];
      return weights.map((x) => x / total);
    });
    const data = rows.flatMap((row) => Array.from(row));
    const result = arrays.moveAxis(arrays.make(data, moved.shape), -1, own);
    if (value.type !== "dict" || result.shape.length !== 1) return given(result);
    const columns = Array.from(result.data, (x) => ({ type: "scalar", leaf: { x, kind: "f" } }));
    return { type: "dict", names: value.names, columns };
  }

  kl.functions = {
    given, numpy, softmax,
    kl_lib: {
      kl_divergence: klDivergence,
      js_divergence: jsDivergence,
      kl_from_logits: klFromLogits,
      kl_bernoulli: klBernoulli,
      kl_from_counts: klFromCounts,
      kl_knn: klKnn,
    },
  };
})((window.klCalculator = window.klCalculator || {}));

// What the calls of other libraries answer: kl_lib/diagnosis/other_libraries.py.
//
// A browser cannot import them. Each call is the arithmetic that the library does, in its order and
// its precision, and the errors that it raises; a test compares them with the libraries themselves.
(function (kl) {
  "use strict";

  const { arrays, explanation, habits: h, measures, wording } = kl;

  /** The releases that the answers were compared with. */
  const VERSIONS = {
    numpy: "numpy 1.26.4",
    scipy: "scipy 1.17.1",
    keras: "keras 3.15.1 on tensorflow 2.21.0",
    tfp: "tensorflow-probability 0.25.0",
    mxnet: "mxnet 1.9.1",
    torch: "torch 2.13.0",
  };

  const { fround, log } = Math;

  class Refusal extends Error {}

  const refuse = (message) => {
    throw new Refusal(message);
  };

  // Each call is (p, q, axis) → answer. Sums and means round as NumPy's do.

  const lastAxis = (x) => x.shape.length - 1;
  const allAxes = (x) => arrays.range(x.shape.length);
  const inFloat32 = (x) => ({ ...arrays.map(x, fround), dtype: "float32" });

  /** Both with one shape; what a library says where there is none. */
  function broadcast(a, b, complain) {
    if (arrays.broadcastShape(a.shape, b.shape) === null) refuse(complain(a.shape, b.shape));
    return arrays.together(a, b);
  }

  const closed = (shape) => (shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(",")})`);
  const ofNumPy = (a, b) =>
    `ValueError: operands could not be broadcast together with shapes ${closed(a)} ${closed(b)}`;

  function elementwise(p, q, term, complain = ofNumPy) {
    const [a, b] = broadcast(p, q, complain);
    return arrays.zip(a, b, term);
  }

  const overAxis = (x, axis) => arrays.sum(x, [(axis + x.shape.length) % x.shape.length]);

  // SciPy

  function relEntr(x, y) {
    if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
    if (x <= 0 || y <= 0) return x === 0 && y >= 0 ? 0 : Infinity;
    const ratio = x / y;
    if (ratio > 0.5 && ratio < 2) return x * Math.log1p((x - y) / y);
    if (ratio > 2 ** -1022 && ratio < Infinity) return x * log(ratio);
    return x * (log(x) - log(y));
  }

  function klDiv(x, y) {
    if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
    if (x > 0 && y > 0) return x * log(x / y) - x + y;
    return x === 0 && y >= 0 ? y : Infinity;
  }

  function entropyOfSciPy(p, q) {
    const both = broadcast(p, q, () =>
      "ValueError: Array shapes are incompatible for broadcasting.");
    const [a, b] = both.map((x) => arrays.zip(x, arrays.sum(x, [0], true), (n, m) => n / m));
    return arrays.sum(arrays.zip(a, b, relEntr), [0]);
  }

  // TensorFlow: Keras and TensorFlow Probability

  const ofTensorFlow = (operation) => (a, b) =>
    `InvalidArgumentError: {{function_node __wrapped__${operation}_device_/job:localhost/replica:0/`
    + `task:0/device:CPU:0}} Incompatible shapes: [${a}] vs. [${b}] [Op:${operation}] name:`;

  const clipped = (x, low, high) => (Number.isNaN(x) ? x : Math.min(Math.max(x, low), high));

  function ofKeras(p, q, round = (x) => x) {
    const least = round(1e-7);
    const terms = elementwise(p, q, (x, y) => {
      const [a, b] = [clipped(x, least, 1), clipped(y, least, 1)];
      return round(a * round(log(round(a / b))));
    }, ofTensorFlow("RealDiv"));
    return arrays.sum(terms, [lastAxis(terms)]);
  }

  /** Keras' loss classes give both the same rank where one has a last axis of length 1. */
  function sameRank(x, y) {
    const [a, b] = [x.shape, y.shape];
    if (a.length === b.length + 1 && a[a.length - 1] === 1) {
      if (b.length === 1) return [x, arrays.reshape(y, [...b, 1])];
      return [arrays.reshape(x, a.slice(0, -1)), y];
    }
    if (b.length === a.length + 1) return sameRank(y, x).reverse();
    return [x, y];
  }

  function meanOfKeras(p, q) {
    const [a, b] = sameRank(p, q).map(inFloat32);
    const rows = { ...ofKeras(a, b, fround), dtype: "float32" };
    const total = fround(arrays.sum(rows, allAxes(rows)).data[0]);
    if (!rows.data.length) return { ...rows, data: Float64Array.of(0), shape: [] };
    return { ...rows, data: Float64Array.of(fround(total / rows.data.length)), shape: [] };
  }

  function logSoftmax(x, round) {
    const axis = lastAxis(x);
    const top = arrays.rowsOf(x).map((row) => row.reduce((a, b) => Math.max(a, b), -Infinity));
    const width = x.shape[axis];
    const shifted = arrays.map(x, (y) => y);
    shifted.data = x.data.map((y, i) => round(y - top[Math.floor(i / width)]));
    const exps = arrays.map(shifted, (y) => round(Math.exp(y)));
    const logs = arrays.map(arrays.sum(exps, [axis], true), (y) => round(log(round(y))));
    return arrays.zip(shifted, logs, (y, z) => round(y - z));
  }

  function ofTfp(p, q, term, round = (x) => x) {
    const ofBoth = broadcast(p, q, ofTensorFlow("Sub"));
    if (!ofBoth[0].data.length) return ofNothing(ofBoth[0]);
    const [a, b] = [p, q].map((x) =>
      logSoftmax(arrays.map(x, (y) => round(log(flushed(y, round)))), round));
    const terms = elementwise(a, b, (x, y) => term(round(x - y), round(Math.exp(x))),
      ofTensorFlow("Sub"));
    return arrays.sum(terms, [lastAxis(terms)]);
  }

  const ofNothing = ({ shape }) => {
    const rest = shape.slice(0, -1);
    return arrays.make(new Float64Array(arrays.sizeOf(rest)), rest);
  };

  /** TensorFlow reads a subnormal number as 0. */
  const flushed = (x, round) =>
    (Math.abs(x) < (round === fround ? 2 ** -126 : 2 ** -1022) ? 0 : x);

  const categorical = (p, q) => ofTfp(p, q, (gap, share) => (share === 0 ? 0 : gap * share));

  function oneHotCategorical(p, q) {
    if (!p.shape[lastAxis(p)]) {
      refuse("ValueError: Argument `probs` must have final dimension >= 1.");
    }
    const [a, b] = [p, q].map(inFloat32);
    const value = ofTfp(a, b, (gap, share) => fround(gap * share), fround);
    return inFloat32(value);
  }

  // MXNet, in float32

  const ofMxnet = (a, b) =>
    "MXNetError: Check failed: l == 1 || r == 1: operands could not be broadcast together with "
    + `shapes [${a}] [${b}]`;

  /** KLDivLoss()(prediction, label): over all axes but the first. */
  function klDivLoss(prediction, label) {
    const empty = ["_plus_scalar", "broadcast_sub"][[label, prediction].findIndex((x) => !x.data.length)];
    if (empty) refuse(`MXNetError: Operator ${empty} inferring shapes failed.`);
    const [a, b] = [label, prediction].map(inFloat32);
    const terms = elementwise(a, b, (x, y) => {
      const surprise = fround(fround(log(fround(x + fround(1e-12)))) - y);
      return fround(x * surprise);
    }, ofMxnet);
    return inFloat32(arrays.sum(terms, allAxes(terms).slice(1)));
  }

  // PyTorch

  function ofTorch(a, b) {
    const ndim = Math.max(a.length, b.length);
    const at = (shape, i) => (i < ndim - shape.length ? 1 : shape[i - ndim + shape.length]);
    const clashes = (i) => at(a, i) !== at(b, i) && at(a, i) !== 1 && at(b, i) !== 1;
    const i = arrays.range(ndim).reverse().find(clashes);
    return `RuntimeError: The size of tensor a (${at(a, i)}) must match the size of tensor b `
      + `(${at(b, i)}) at non-singleton dimension ${i}`;
  }

  const xlogx = (x) => (x === 0 ? 0 : x * log(x));

  /** F.kl_div(input, target, ...). */
  function klDivOfTorch(input, target, { reduction = "mean", logTarget = false } = {}) {
    const terms = elementwise(target, input, (t, x) =>
      (logTarget ? Math.exp(t) * (t - x) : xlogx(t) - t * x), ofTorch);
    const total = arrays.sum(terms, allAxes(terms));
    const divisor = { sum: 1, mean: terms.data.length, batchmean: input.shape[0] }[reduction];
    return arrays.map(total, (x) => x / divisor);
  }

  function categoricalOfTorch(p, q) {
    const shares = [p, q].map((x) => {
      const totals = arrays.sum(x, [lastAxis(x)], true);
      const share = arrays.zip(x, totals, (a, b) => a / b);
      const sums = arrays.sum(share, [lastAxis(x)]).data;
      const isSimplex = x.shape[lastAxis(x)] && share.data.every((a) => a >= 0)
        && sums.every((sum) => Math.abs(sum - 1) < 1e-6);
      if (!isSimplex) {
        refuse(`ValueError: Expected parameter probs (Tensor of shape ${wording.tuple(x.shape)}) of `
          + `distribution Categorical(probs: torch.Size([${x.shape.join(", ")}])) to satisfy the `
          + "constraint Simplex(), but found invalid values:");
      }
      return share;
    });
    const least = 2 ** -52;
    const logit = (x) => log(clipped(x, least, 1 - least));
    const terms = elementwise(...shares, (a, b) => {
      if (a === 0) return 0;
      return b === 0 ? Infinity : a * (logit(a) - logit(b));
    }, ofTorch);
    return arrays.sum(terms, [lastAxis(terms)]);
  }

  const logOf = (x) => arrays.map(x, log);

  // The calls, as they are written, as they are made, and what they might do

  const call = (text, ask, habits = [], isBatchOnly = false) => ({ text, ask, habits, isBatchOnly });

  const ARGUMENTS = {
    "log q, p": (p, q) => [logOf(q), p],
    "q, p": (p, q) => [q, p],
    "log p, q": (p, q) => [logOf(p), q],
    "p, q": (p, q) => [p, q],
    "log q, log p": (p, q) => [logOf(q), logOf(p)],
  };

  function lossOfMxnet(written, ...habits) {
    const ask = (p, q) => klDivLoss(...ARGUMENTS[written](p, q));
    return call(`KLDivLoss()(${written})`, ask, [...habits, h.OTHER_AXES, h.MEAN, h.EPSILON]);
  }

  function lossOfTorch(written, habits, options = {}) {
    const { reduction, logTarget } = options;
    const more = [written];
    if (logTarget) more.push("log_target=True");
    if (reduction) more.push(`reduction='${reduction}'`);
    const ask = (p, q) => klDivOfTorch(...ARGUMENTS[written](p, q), options);
    const also = logTarget ? [] : [h.INF_MINUS_INF];
    return call(`F.kl_div(${more.join(", ")})`, ask, [...habits, ...also]);
  }

  const CALLS = {
    numpy: [
      call(
        "np.sum(p * np.log(p / q), axis={axis})",
        (p, q, axis) => overAxis(elementwise(p, q, (x, y) => x * log(x / y)), axis),
        [h.NAN_FOR_ZERO, h.QUOTIENT],
      ),
    ],
    scipy: [
      call(
        "scipy.special.rel_entr(p, q).sum(axis={axis})",
        (p, q, axis) => overAxis(elementwise(p, q, relEntr), axis),
        [h.INF_FOR_NEGATIVE],
      ),
      call(
        "scipy.special.kl_div(p, q).sum(axis={axis})",
        (p, q, axis) => overAxis(elementwise(p, q, klDiv), axis),
        [h.QUOTIENT, h.INF_FOR_NEGATIVE, h.MASSES],
      ),
      call("scipy.stats.entropy(p, q)", entropyOfSciPy,
        [h.DIVIDE, h.AXIS_0, h.INF_FOR_NEGATIVE]),
    ],
    keras: [
      call("keras.losses.kl_divergence(p, q)", (p, q) => ofKeras(p, q), [h.CLIP, h.LAST_AXIS]),
      call("keras.losses.KLDivergence()(p, q)", meanOfKeras,
        [h.MEAN_OF_ROWS, h.CLIP, h.LAST_AXIS], true),
    ],
    tfp: [
      call("tfd.kl_divergence(tfd.Categorical(probs=p), tfd.Categorical(probs=q))", categorical,
        [h.DIVIDE, h.LAST_AXIS]),
      call("tfd.kl_divergence(tfd.OneHotCategorical(probs=p), tfd.OneHotCategorical(probs=q))",
        oneHotCategorical, [h.NAN_FOR_ZERO, h.FLOAT32, h.DIVIDE, h.LAST_AXIS]),
    ],
    mxnet: [
      lossOfMxnet("log q, p", h.NAN_FOR_BOTH_ZERO, h.P_IN_FLOAT32),
      lossOfMxnet("q, p", h.Q_FOR_LOG_Q, h.P_IN_FLOAT32),
      lossOfMxnet("log p, q", h.SWAP, h.NAN_FOR_BOTH_ZERO, h.Q_IN_FLOAT32),
      lossOfMxnet("p, q", h.P_FOR_LOG_Q, h.Q_IN_FLOAT32),
    ],
    torch: [
      lossOfTorch("log q, p", [h.NAN_FOR_BOTH_ZERO, h.MEAN_OF_ALL]),
      lossOfTorch("log q, p", [h.NAN_FOR_BOTH_ZERO, h.MEAN_OVER_AXIS_0],
        { reduction: "batchmean" }),
      lossOfTorch("log q, p", [h.NAN_FOR_BOTH_ZERO, h.SUM_OF_ALL], { reduction: "sum" }),
      lossOfTorch("log q, log p", [h.NAN_FOR_ZERO, h.MEAN_OVER_AXIS_0],
        { reduction: "batchmean", logTarget: true }),
      lossOfTorch("log q, log p", [h.LOG_P_FOR_P, h.MEAN_OF_ALL]),
      lossOfTorch("q, p", [h.Q_FOR_LOG_Q, h.MEAN_OF_ALL]),
      lossOfTorch("q, p", [h.Q_FOR_LOG_Q, h.MEAN_OVER_AXIS_0], { reduction: "batchmean" }),
      lossOfTorch("q, p", [h.Q_FOR_LOG_Q, h.SUM_OF_ALL], { reduction: "sum" }),
      lossOfTorch("log p, q", [h.SWAP, h.NAN_FOR_BOTH_ZERO, h.MEAN_OF_ALL]),
      lossOfTorch("p, q", [h.P_FOR_LOG_Q, h.MEAN_OF_ALL]),
      call("td.kl_divergence(td.Categorical(probs=p), td.Categorical(probs=q))",
        categoricalOfTorch, [h.DIVIDE, h.CLAMP, h.LAST_AXIS]),
    ],
  };

  // How they are asked

  const NOTHING = {
    shape: null, values: [], row: null, value: null, expected: null, differing: null, reasons: [],
    message: null,
  };

  /** Every call of a library on p and q, compared with `exact` and explained. */
  function ask(library, asked, exact, faults) {
    const version = VERSIONS[library];
    const empty = { library, version, call: null, status: "refuses", ...NOTHING };
    if (asked === null) return [{ ...empty, message: "not asked: p, q or axis cannot be used" }];
    const depth = Math.max(asked.p.shape.length, asked.q.shape.length);
    return CALLS[library]
      .filter((one) => !one.isBatchOnly || depth >= 2)
      .map((one) => {
        const text = one.text.replace("{axis}", asked.axis);
        return answerOf({ ...empty, call: text }, one, asked, exact, faults);
      });
  }

  function answerOf(answer, one, asked, exact, faults) {
    let got;
    try {
      got = one.ask(asked.p, asked.q, asked.axis);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return { ...answer, message: error.message };
    }
    const known = { shape: got.shape, values: Array.from(got.data.slice(0, 6)) };
    if (exact === null) {
      const reasons = explanation.explain(got, asked, one.habits, null, faults);
      return { ...answer, ...known, status: "answers", reasons };
    }
    if (arrays.equalShapes(got.shape, exact.shape)) {
      const gaps = got.data.map((x, i) => measures.relativeGap(x, exact.data[i]));
      known.differing = gaps.filter((gap) => gap > measures.AGREEMENT).length;
      if (gaps.length) {
        const flat = measures.argmax(gaps);
        known.row = arrays.placeOf(flat, got.shape);
        [known.value, known.expected] = [got.data[flat], exact.data[flat]];
      }
      if (!known.differing) return { ...answer, ...known, status: "agrees" };
    }
    const reasons = explanation.explain(got, asked, one.habits, exact);
    return { ...answer, ...known, status: "differs", reasons };
  }

  kl.libraries = { VERSIONS, NAMES: Object.keys(CALLS), ask };
})((window.klCalculator = window.klCalculator || {}));

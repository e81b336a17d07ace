// What a call may do other than add up p·log(p/q) over an axis: kl_lib/diagnosis/habits.py.
//
// A habit says in one place what it is called, what it does to the computation and how a report
// words it. Which call may have which, libraries.js lists; which explain an answer, explanation.js
// finds out.
(function (kl) {
  "use strict";

  const { arrays, wording } = kl;
  const { entries, number } = wording;

  const EPSILON_64 = 2 ** -52;
  const TINY = 2 ** -1022;

  /** What a call is asked about: p, q, the axis of categories, and the shape of both together. */
  function question(p, q, axis) {
    return { p, q, axis, shape: arrays.broadcastShape(p.shape, q.shape) };
  }

  /** Both with that shape; made once. */
  function together(asked) {
    if (!asked.both) asked.both = [asked.p, asked.q].map((x) => arrays.broadcastTo(x, asked.shape));
    return asked.both;
  }

  const axisIn = (asked, axis) => (axis + asked.shape.length) % asked.shape.length;

  const rowsIn = (asked, axis) =>
    arrays.sizeOf(asked.shape.filter((_, i) => i !== axisIn(asked, axis)));

  // A part of p and q as a call reads them: of = {p, q, given, totals, insteadOfLogQ}.

  const logP = (of, i) => Math.log(of.p[i]);
  const logQ = (of, i) => (of.insteadOfLogQ ? of.insteadOfLogQ[i] : Math.log(of.q[i]));
  const isZero = (of, i) => of.p[i] === 0 && !Number.isNaN(logQ(of, i));
  const each = (terms, change) => terms.map((term, i) => change(i, term));

  function habit(kind, sentence, more = {}) {
    const plain = {
      detail: () => "",
      read: (of) => of,
      finish: (of, terms) => terms,
      axis: null,
      over: null,
      divisor: () => 1,
      settles: [],
      logarithm: "",
    };
    return { kind, sentence, ...plain, ...more };
  }

  /** Its words on an input and the axis that was summed over. */
  function says(one, asked, axis) {
    const n = one.divisor(asked, axis);
    const parts = {
      detail: one.detail(asked, axis),
      n,
      rows: wording.count(rowsIn(asked, asked.axis), "row"),
      axis: asked.axis,
    };
    const text = one.sentence.replace(/\{(\w+)\}/g, (_, name) => parts[name]);
    return n ? text : `${text} (the mean of nothing: 0/0)`;
  }

  // What becomes of p and q

  function outside(p, q, low, high, ends) {
    const given = { p, q };
    const below = ["p", "q"].map((name) =>
      [`${name} below ${ends[0]}`, arrays.countOf(given[name], (x) => x < low)]);
    const above = ["p", "q"].map((name) =>
      [`${name} above ${ends[1]}`, arrays.countOf(given[name], (x) => x > high)]);
    const counts = [...below, ...above].filter(([, n]) => n);
    const parts = counts.map(([what, n]) => `${n} of ${what}`).join(" and ");
    const total = counts.reduce((sum, [, n]) => sum + n, 0);
    return `${entries(total)} to [${ends[0]}, ${ends[1]}]: ${parts}`;
  }

  function clamped(asked, axis) {
    const [p, q] = [asked.p, asked.q].map((x) => {
      const totals = arrays.sum(x, [(axis + x.shape.length) % x.shape.length], true);
      return arrays.zip(x, totals, (a, b) => (a / b === 0 ? 0.5 : a / b)); // 0 is left alone
    });
    const least = number(EPSILON_64, 3);
    return outside(p, q, EPSILON_64, 1 - EPSILON_64, [least, `1 - ${least}`]);
  }

  const clip = (x, low, high) => (Number.isNaN(x) ? x : Math.min(Math.max(x, low), high));

  function lost(asked, names) {
    const counts = [...names].map((name) => [
      name,
      arrays.countOf(asked[name], (x) => x !== 0 && Math.fround(x) === 0),
    ]);
    const parts = counts.map(([name, n]) => `${n} of ${name}`).join(" and ");
    return counts.some(([, n]) => n) ? `, where ${parts} become 0` : "";
  }

  const nanForZeroTimesInf = (of, terms) =>
    each(terms, (i, term) => {
      const log = logQ(of, i);
      return of.p[i] === 0 && (log === Infinity || log === -Infinity) ? NaN : term;
    });

  const labelInFloat32 = (name) =>
    habit("float32 label", `reads ${name} as float32{detail}`, {
      detail: (asked) => lost(asked, name),
      read: (of) => ({ ...of, p: of.p.map(Math.fround) }),
    });

  /** What stands first is taken for log q, and what stands second for p. */
  function forLogQ(name, what) {
    const second = name === "q" ? "p" : "q";
    return habit("log q", `expects log q first: it takes ${what}{detail}`, {
      detail: (asked) => {
        const [p, q] = together(asked);
        const given = { p, q };
        const some = given[second].data.some((x, i) =>
          x === 0 && Math.abs(given[name].data[i]) === Infinity);
        return some ? "; 0 * inf is nan" : "";
      },
      read: (of) => ({ ...of, p: of[second], q: of[name].map(Math.exp), insteadOfLogQ: of[name] }),
      finish: nanForZeroTimesInf,
      logarithm: name,
    });
  }

  const DIVIDE = habit("divide", "normalises silently: {detail}", {
    detail: sums,
    read: (of) => ({
      ...of,
      p: of.p.map((x, i) => x / of.totals[0][i]),
      q: of.q.map((x, i) => x / of.totals[1][i]),
    }),
    settles: ["sum"],
  });
  const CLIP = habit("clip", "clips {detail}", {
    detail: (asked) => outside(asked.p, asked.q, 1e-7, 1, ["1e-7", "1"]),
    read: (of) => ({
      ...of,
      p: of.p.map((x) => clip(x, 1e-7, 1)),
      q: of.q.map((x) => clip(x, 1e-7, 1)),
    }),
  });
  const CLAMP = habit("clamp", "clamps before the logarithm {detail}", {
    detail: clamped,
    finish: (of, terms) => {
      const log = (x) => Math.log(clip(x, EPSILON_64, 1 - EPSILON_64));
      return each(terms, (i, term) =>
        (Number.isFinite(term) && of.p[i] > 0 ? of.p[i] * (log(of.p[i]) - log(of.q[i])) : term));
    },
  });
  const FLOAT32 = habit("float32", "reads float32{detail}", {
    detail: (asked) => lost(asked, "pq"),
    read: (of) => ({ ...of, p: of.p.map(Math.fround), q: of.q.map(Math.fround) }),
  });
  const P_IN_FLOAT32 = labelInFloat32("p");
  const Q_IN_FLOAT32 = labelInFloat32("q");
  const SWAP = habit("swap", "takes the reference second: this is KL(q‖p)", {
    read: (of) => ({ ...of, p: of.q, q: of.p }),
  });
  const Q_FOR_LOG_Q = forLogQ("q", "q for log q");
  const P_FOR_LOG_Q = forLogQ("p", "p for log q, and q for p");
  const LOG_P_FOR_P = habit(
    "log p",
    "expects p second: it takes log p for p, unless you pass log_target=True",
    { read: (of) => ({ ...of, p: of.p.map(Math.log) }), finish: nanForZeroTimesInf },
  );

  // What becomes of the terms

  const isOutOfRange = (p, q) => Math.abs(p / q) === Infinity || p / q < TINY;

  function aboutQuotient(asked) {
    const [p, q] = together(asked);
    const causes = [
      ["p / q overflows or underflows float64 in", (a, b) => a > 0 && b > 0 && isOutOfRange(a, b)],
      ["takes the log of p / q, which is positive where both are negative:",
        (a, b) => a < 0 && b < 0],
      ["p / q is -inf, and its log nan, where q is -0.0:", (a, b) => a > 0 && Object.is(b, -0)],
    ];
    return causes
      .map(([why, test]) => [why, placesOf(asked, (i) => test(p.data[i], q.data[i]))])
      .filter(([, where]) => where)
      .map(([why, where]) => `${why} ${where}`)
      .join("; ");
  }

  function aboutZeros(asked) {
    const [p] = together(asked);
    const where = placesOf(asked, (i) => p.data[i] === 0);
    return where ? `p is 0 in ${where}` : "p becomes 0";
  }

  function aboutBothZero(asked) {
    const [p, q] = together(asked);
    const where = placesOf(asked, (i) => p.data[i] === 0 && q.data[i] === 0);
    if (!where) return "0 * inf, which a logarithm is";
    return `0 * (log 0 - log 0): p and q are both 0 in ${where}`;
  }

  const NAN_FOR_ZERO = habit("nan for p = 0", "nan for 0 * log 0: {detail}", {
    detail: aboutZeros,
    finish: (of, terms) => each(terms, (i, term) => (isZero(of, i) ? NaN : term)),
  });
  const NAN_FOR_BOTH_ZERO = habit("nan for p = q = 0", "nan for {detail}", {
    detail: aboutBothZero,
    finish: nanForZeroTimesInf,
  });
  const INF_MINUS_INF = habit(
    "inf - inf",
    "subtracts p log q from p log p, and inf - inf is nan",
    {
      finish: (of, terms) =>
        each(terms, (i, term) =>
          (Math.abs(of.p[i]) === Infinity
            ? of.p[i] * logP(of, i) - of.p[i] * logQ(of, i) : term)),
    },
  );
  const INF_FOR_NEGATIVE = habit(
    "inf for negative",
    "inf by convention for a negative number: {detail}",
    {
      detail: (asked) => {
        const [p, q] = together(asked);
        return placesOf(asked, (i) => p.data[i] < 0 || q.data[i] < 0);
      },
      finish: (of, terms) =>
        each(terms, (i, term) => {
          const [p, q] = [of.p[i], of.q[i]];
          return (p < 0 || q < 0) && !Number.isNaN(p) && !Number.isNaN(q) ? Infinity : term;
        }),
      settles: ["negative", "logarithms"],
    },
  );
  const QUOTIENT = habit("quotient", "{detail}", {
    detail: aboutQuotient,
    finish: (of, terms) =>
      each(terms, (i, term) => {
        const [p, q] = of.given.map((x) => x[i]);
        const isUsual = of.p[i] === 0 || (of.p[i] > 0 && of.q[i] > 0 && !isOutOfRange(p, q));
        return isUsual ? term : of.p[i] * Math.log(p / q);
      }),
  });
  const MASSES = habit("masses", "adds -p + q to each term (the generalised KL)", {
    finish: (of, terms) =>
      each(terms, (i, term) => {
        const byConvention = term === Infinity && (of.p[i] < 0 || of.q[i] <= 0);
        return byConvention ? Infinity : term - of.p[i] + of.q[i];
      }),
  });
  const EPSILON = habit("epsilon", "adds 1e-12 to the label inside the logarithm", {
    finish: (of, terms) =>
      each(terms, (i, term) =>
        (of.p[i] > 0 ? term + of.p[i] * (Math.log(of.p[i] + 1e-12) - logP(of, i)) : term)),
  });

  // Which axes are summed over, and what the sum is divided by

  const AXIS_0 = habit("axis 0", "sums over axis 0: {detail}", {
    detail: ({ shape }) =>
      `shape ${wording.tuple(shape)} leaves ${wording.tuple(shape.slice(1))}`,
    axis: 0,
    settles: ["sum"], // the sums that were asked about are those of another axis
  });
  const LAST_AXIS = habit("last axis", "sums over the last axis, not over axis {axis}", {
    axis: -1,
    settles: ["sum"],
  });
  const OTHER_AXES = habit("other axes", "{detail}", {
    detail: ({ shape }) => {
      if (shape.length === 1) {
        return "does not sum: in a vector each category counts as an example of its own";
      }
      const left = wording.tuple(shape.slice(0, 1));
      return `sums over every axis but the first: shape ${wording.tuple(shape)} leaves ${left}`;
    },
    over: "but the first",
  });
  const MEAN = habit("mean", "mean instead of sum: divides by {n}", {
    over: "but the first",
    divisor: ({ shape }) => arrays.sizeOf(shape.slice(1)),
  });
  const SUM_OF_ALL = habit("sum of all", "adds up the batch: one number for {rows}", {
    over: "all",
  });
  const MEAN_OF_ALL = habit(
    "mean of all",
    "mean instead of sum: divides the sum of all by {n}",
    { over: "all", divisor: ({ shape }) => arrays.sizeOf(shape) },
  );
  const MEAN_OVER_AXIS_0 = habit(
    "batchmean",
    "divides the sum of all by {n}, the length of axis 0",
    { over: "all", divisor: ({ q }) => q.shape[0] }, // of what stands first, before broadcasting
  );
  const MEAN_OF_ROWS = habit(
    "batch mean",
    "averages over the batch: one number for {rows}",
    { over: "all", divisor: rowsIn },
  );

  // The sum with some of them

  /** The axis that a call with these habits sums over. */
  function axisOf(asked, some) {
    const own = some.find((one) => one.axis !== null);
    return own ? own.axis : asked.axis;
  }

  /** Every axis that a call with these habits sums over, counted from 0. */
  function summed(asked, some) {
    const ndim = asked.shape.length;
    const reduction = some.find((one) => one.over);
    if (!reduction) return [axisIn(asked, axisOf(asked, some))];
    return arrays.range(ndim).slice(reduction.over === "all" ? 0 : 1);
  }

  /** Σ p·log(p/q) with some habits, and the size of what is summed. */
  function total(asked, some) {
    const both = together(asked);
    const axis = axisOf(asked, some);
    const given = both.map((x) => x.data);
    let of = { p: given[0], q: given[1], given, insteadOfLogQ: null };
    if (some.includes(DIVIDE)) {
      of.totals = both.map((x) =>
        arrays.broadcastTo(arrays.sum(x, [axisIn(asked, axis)], true), asked.shape).data);
    }
    for (const one of some) of = one.read(of);
    let terms = of.p.map((p, i) => (isZero(of, i) ? 0 : p * (logP(of, i) - logQ(of, i))));
    for (const one of some) terms = one.finish(of, terms);
    const sizes = terms.map((term, i) => {
      const p = of.p[i];
      const size = p === 0 ? 0 : Math.abs(p) * (1 + Math.abs(logP(of, i)) + Math.abs(logQ(of, i)));
      return Number.isFinite(term + size) ? Math.max(Math.abs(term), size) : 0;
    });
    const divisor = some.reduce((n, one) => n * one.divisor(asked, axis), 1);
    const axes = summed(asked, some);
    const sumOf = (data) => arrays.sum(arrays.make(data, asked.shape), axes);
    return {
      value: arrays.map(sumOf(terms), (x) => x / divisor),
      size: arrays.map(sumOf(sizes), (x) => x / Math.max(divisor, 1)),
    };
  }

  // How they word it

  /** 'p sums to 10, q sums to between 1 and 1.05'. */
  function sums(asked, axis) {
    const totals = together(asked).map((x) => arrays.sum(x, [axisIn(asked, axis)]));
    const ends = totals.map((x) => (x.data.length ? [arrays.min(x), arrays.max(x)] : []));
    const digits = wording.digitsFromOne(...ends.flat());
    return ["p", "q"].map((name, i) => {
      if (!ends[i].length) return `${name} has no rows`;
      return `${name} sums to ${wording.span(...ends[i], "between {} and {}", digits)}`;
    }).join(", ");
  }

  /** '1 entry (index 0)', '812 entries (first: index 3, 1)'; '' for none. */
  function placesOf(asked, test) {
    const n = arrays.sizeOf(asked.shape);
    const at = arrays.range(n).filter(test);
    if (!at.length) return "";
    const index = arrays.placeOf(at[0], asked.shape).join(", ");
    return `${entries(at.length)} (${at.length === 1 ? "" : "first: "}index ${index})`;
  }

  kl.habits = {
    question, says, axisOf, summed, total, sums,
    DIVIDE, CLIP, CLAMP, FLOAT32, P_IN_FLOAT32, Q_IN_FLOAT32, SWAP, Q_FOR_LOG_Q, P_FOR_LOG_Q,
    LOG_P_FOR_P, NAN_FOR_ZERO, NAN_FOR_BOTH_ZERO, INF_MINUS_INF, INF_FOR_NEGATIVE, QUOTIENT, MASSES,
    EPSILON, AXIS_0, LAST_AXIS, OTHER_AXES, MEAN, SUM_OF_ALL, MEAN_OF_ALL, MEAN_OVER_AXIS_0,
    MEAN_OF_ROWS,
  };
})((window.klCalculator = window.klCalculator || {}));

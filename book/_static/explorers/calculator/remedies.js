// What to do about an input, each remedy tried out on it: kl_lib/diagnosis/remedies.py.
//
// A remedy is a line of Python for p and q. What the line gives is computed here too, and it is
// offered only if a finite number comes out. What stands in the place of p or q is {code, of}: how
// it is written, and the same as a function of {p, q} as they were given.
(function (kl) {
  "use strict";

  const { arrays, checks, divergences, functions, inputs, reading, wording } = kl;
  const { numpy } = functions;
  const { LN2, number } = wording;
  const { ROUNDED, YES_NO } = checks;

  const POINTS = 20;
  const TAKES_NORMALIZE = ["kl_divergence", "js_divergence"];
  const TAKES_AXIS = [...TAKES_NORMALIZE, "kl_from_logits"];
  const WEIGHTS = "weights, or densities on bins of equal width";

  const format = (code, name) => code.replace(/\{0?\}/g, name);

  /** The code with {} for an argument, for each of them. */
  function each(code, change, names = ["p", "q"]) {
    return Object.fromEntries(names.map((name) =>
      [name, { code: format(code, name), of: (given) => change(given[name]) }]));
  }

  const asGiven = (names) => each("{}", (x) => x, names);

  class Trial {
    constructor(p, q, axis, normalize, problems = []) {
      this.inputs = [p, q];
      this.wrong = Object.fromEntries(problems.map((x) => [x.argument, x.kind]));
      this.kinds = new Set(problems.map((x) => x.kind));
      this.own = inputs.fromEnd(axis, Math.max(p.array.shape.length, q.array.shape.length));
      this.axis = axis;
      this.axisText = this.own === -1 ? "" : `, axis=${axis}`;
      this.normalize = normalize;
      this.given = { p: p.given, q: q.given };
      const isLabelled = this.inputs.some((x) => reading.labelsOf(x.given) !== null);
      const isAligned = isLabelled && !this.kinds.has("labels");
      this.aligned = isAligned
        ? { p: functions.given(p.array), q: functions.given(q.array) } : null;
      this.found = [];
    }

    /** Those of p and q that have such a fault. */
    ofKind(...kinds) {
      return this.inputs.filter((x) => kinds.includes(this.wrong[x.name]));
    }

    /** Whether p and q are whole numbers, as counts are. */
    get isWhole() {
      return this.inputs.every((x) => x.array.data.every((value) => value % 1 === 0));
    }

    /** Whether there is one category, of which any function of p and q is 0. */
    get isSingle() {
      return this.inputs.every((x) => x.array.shape.slice(this.own)[0] === 1);
    }

    /** Add a remedy if it works; in which part of the rows it does. */
    offer(kind, text, places = {}, options = {}) {
      const {
        name: called = "kl_divergence", normalize = false, axis = null, quantity = "KL(p‖q)",
        everywhere = false, smoothing = 0,
      } = options;
      const both = { ...asGiven(["p", "q"]), ...places };
      const written = [both.p.code, both.q.code].filter(Boolean);
      const isNormalized = TAKES_NORMALIZE.includes(called) && (normalize || this.normalize);
      if (smoothing) written.push(`smoothing=${smoothing}`);
      let code = written.join(", ");
      if (isNormalized) code += ", normalize=True";
      if (TAKES_AXIS.includes(called)) code += axis === null ? this.axisText : `, axis=${axis}`;
      code = `kl_lib.${called}(${code})`;
      const changed = ["p", "q"].filter((x) => x in places).map((x) => places[x].code);
      const message = text
        .replace("{changed}", () => changed.join(" and "))
        .replace("{call}", () => code.replace("kl_lib.", ""));
      const over = axis === null ? this.axis : axis;
      const own = axis === null && this.own === -1 ? -1 : over;
      const settings = { normalize: isNormalized, axis: own, smoothing };
      const result = this.value(called, both, settings, this.given);
      if (result === null || !this.pairsLabels(code, called, both, settings, result)) return 0;
      const { value } = result;
      const finite = arrays.countOf(value, Number.isFinite);
      const n = value.data.length;
      if (!n || (everywhere ? finite < n : !finite)) return 0;
      let said = result.isEstimate ? inWords(result) : wording.divergence(value, quantity);
      if (finite < n) said += `, infinite in ${wording.count(n - finite, "row")}`;
      this.found.push({
        kind,
        message: `${message}: ${said}`,
        code,
        value: value.shape.length ? null : value.data[0],
      });
      return finite / n;
    }

    /** What a line gives; null if it raises, which makes it no remedy. */
    value(called, both, settings, given) {
      try {
        const pair = both.pair ? both.pair(given) : [both.p.of(given), both.q.of(given)];
        return functions.kl_lib[called](...pair, settings);
      } catch (error) {
        return null;
      }
    }

    /** Whether a line gives what it gives for aligned numbers: NumPy drops labels. */
    pairsLabels(code, called, both, settings, result) {
      if (this.aligned === null || !code.includes("np.")) return true;
      const other = this.value(called, both, settings, this.aligned);
      if (other === null || !arrays.equalShapes(other.value.shape, result.value.shape)) return false;
      return result.value.data.every((x, i) => {
        const y = other.value.data[i];
        return x === y || Math.abs(x - y) <= 1e-9 * Math.abs(y);
      });
    }
  }

  function inWords(estimate) {
    const bias = estimate.bias
      ? `, of which ${wording.signed(estimate.bias, 2)} may be bias` : "";
    const value = number(estimate.value.data[0], 3);
    return `${value} ± ${number(estimate.standardError, 2)} nats${bias}`;
  }

  /** What would make an invalid input valid. */
  function forInvalid(p, q, axis, normalize, problems) {
    if (problems.some((x) => ["base", "axis", "unreadable"].includes(x.kind))) return [];
    const trial = new Trial(p, q, axis, normalize, problems);
    if (trial.kinds.has("labels")) {
      ofLabels(trial);
      return trial.found;
    }
    ofShapes(trial);
    if (trial.kinds.has("sum")) ofSums(trial);
    if (!trial.isSingle) ofValues(trial);
    ofRows(trial, problems);
    return trial.found;
  }

  function ofLabels(trial) {
    const both = {
      p: { code: `*kl_lib.align(p, q${trial.axisText})` },
      q: { code: "" },
      pair: (given) => reading.align(given.p, given.q, trial.own === -1 ? -1 : trial.own),
    };
    let text = "where a missing category has probability 0, align the two";
    let works = trial.offer("align", text, both);
    if (!works && !trial.normalize) {
      text = "if these are counts and a missing category was not drawn, align the two";
      works = trial.offer("align", text, both, { normalize: true });
    }
    if (!works) { // q lacks what p has, so that KL(p‖q) is infinite
      if (trial.isWhole) smooth(trial, both);
      offerJs(trial, "when the two are aligned", both);
    }
    const code = trial.given.p.type === "dict"
      ? "np.stack([*p.values()], axis=-1)" : "np.asarray(p)";
    trial.offer("position", "if position is what counts, drop the labels",
      { p: { code, of: (given) => numpy.columnsStacked(given.p) } });
  }

  function ofShapes(trial) {
    const shapes = trial.inputs.map((x) => x.array.shape);
    const deep = Math.max(...shapes.map((shape) => shape.length));
    const isShape = trial.kinds.has("shape");
    if (isShape || !trial.normalize) { // counts can be divided along any axis
      for (let other = 0; other < deep; other += 1) {
        if (shapes.every((shape) => shape.length !== deep || shape[other] > 1)) {
          trial.offer("axis", `pass axis=${other}`, {}, { axis: other });
        }
      }
    }
    if (isShape) {
      for (const name of ["q", "p"]) {
        const turned = each("np.transpose({})", numpy.transpose, [name]);
        trial.offer("transpose", "pass {changed}", turned);
      }
      trial.offer("squeeze", "drop axes of length 1, pass {changed}",
        each("np.squeeze({})", numpy.squeezed));
      const ends = shapes.map((shape) => shape[shape.length - 1]);
      for (const [name, wanted] of [["p", [1, 2]], ["q", [2, 1]]]) {
        if (ends.every((n, i) => n === wanted[i]) && trial.own === -1) {
          const text = `if ${name} is the probability of a yes, the second category, pass {changed}`;
          const code = "np.concatenate([np.subtract(1, {0}), {0}], axis=-1)";
          trial.offer("bernoulli", text, each(code, numpy.concatenated, [name]));
        }
      }
    }
    for (const [numbers, other] of [trial.inputs, [...trial.inputs].reverse()]) {
      if (numbers.name in trial.wrong || isShape) ofClassNumbers(trial, numbers, other);
    }
  }

  /** Rows with a 1 at the class number, if these can be class numbers for those of the other. */
  function ofClassNumbers(trial, numbers, other) {
    const { array, name } = numbers;
    const shape = [...other.array.shape];
    if (!array.data.length || !array.shape.length || -trial.own > shape.length) return;
    const [categories] = shape.splice(shape.length + trial.own, 1);
    const isColumn = trial.own === -1 && arrays.equalShapes(array.shape, [...shape, 1]);
    const areClasses = array.data.every((x) => Number.isInteger(x) && x >= 0 && x < categories);
    const fits = isColumn || arrays.equalShapes(array.shape, shape);
    if (!fits || !areClasses || categories < 2) return;
    const integers = array.kind === "i" ? name : `np.asarray(${name}, dtype=int)`;
    let code = checks.oneHotCode(integers, categories, isColumn);
    if (trial.own !== -1) code = `np.moveaxis(${code}, -1, ${trial.own})`;
    const places = {
      [name]: {
        code,
        of: (given) => numpy.oneHot(given[name], categories, isColumn, trial.own),
      },
    };
    let text = `if ${name} holds class labels, pass ${code}`;
    if (trial.offer("labels", text, places)) return;
    const own = other.name;
    places[own] = {
      code: `kl_lib.softmax(${own}${trial.axisText})`,
      of: (given) => functions.softmax(given[own], trial.own === -1 ? -1 : trial.axis),
    };
    text += `, and if ${own} holds logits, pass ${places[own].code}`;
    trial.offer("labels", text, places);
  }

  function ofSums(trial) {
    const bad = trial.ofKind("sum");
    // Where another reading of the numbers makes them sum to 1, nobody need guess.
    let isClear = trial.found.some((x) => ["axis", "transpose", "labels"].includes(x.kind));
    isClear = isClear || ofTables(trial, bad);
    if (!isClear) ofBernoulli(trial, bad);
    if (trial.isSingle || trial.normalize) return;
    trial.offer("float32",
      "if these were computed in float32, pass them as float32, whose sums may be further off",
      each("np.float32({})", numpy.float32));
    let what = trial.isWhole ? "counts" : WEIGHTS;
    const isClose = (x) => totalsOf(x, trial.own).every((sum) => Math.abs(sum - 1) < ROUNDED);
    if (bad.every(isClose)) what = "rounded probabilities";
    const works = trial.offer("normalize", `if these are ${what}, pass normalize=True`, {},
      { normalize: true });
    if (!works) offerJs(trial, `if these are ${what}`);
    if (trial.isWhole) {
      if (bad.some((x) => x.array.shape.length > 1)) {
        trial.offer("table", "if the whole table is one distribution, flatten it and pass "
          + "normalize=True", each("np.ravel({})", numpy.ravel), { normalize: true, axis: -1 });
      }
      ofCounts(trial);
      if (works < 1) smooth(trial);
    }
    if (!isClear) {
      ofSoftmax(trial, bad);
      ofPoints(trial);
    }
  }

  /** What is finite where KL is not, for what has to be divided by its sums. */
  function offerJs(trial, when, places = {}) {
    trial.offer("js", `${when}, KL(p‖q) is infinite; js_divergence never is`, places,
      { name: "js_divergence", normalize: true, quantity: "Jensen-Shannon" });
  }

  /** Its sums; of all of it where it has no such axis, of which something else was said. */
  function totalsOf({ array }, own) {
    const ndim = array.shape.length;
    return arrays.sum(array, -own <= ndim ? [ndim + own] : arrays.range(ndim)).data;
  }

  function median(values) {
    if (values.some(Number.isNaN)) return NaN;
    const sorted = Float64Array.from(values).sort();
    const middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  /** Whether the rows sum to so much as chances of a yes would, most of them. */
  const areManyChances = (x, own) => median(totalsOf(x, own)) > YES_NO;

  const hasFractions = (x) => x.array.data.some((value) => value % 1 !== 0);

  /** A distribution over two variables or more: its table sums to 1, no row does. */
  function ofTables(trial, bad) {
    if (trial.normalize || bad.some((x) => x.array.shape.length < 2)) return false;
    const flat = each("np.ravel({})", numpy.ravel);
    const text = "if the whole table is one distribution, pass {changed}";
    if (trial.offer("table", text, flat, { axis: -1 })) return true;
    if (trial.inputs.some((x) => x.array.shape.length < 3) || trial.axisText) return false;
    const places = Object.fromEntries(trial.inputs.map(({ name, array }) => {
      const shape = wording.tuple([...array.shape.slice(0, -2), -1]);
      const code = `np.reshape(${name}, ${shape})`;
      return [name, { code, of: (given) => numpy.flatTables(given[name]) }];
    }));
    return trial.offer("table", "if each table is one distribution, pass {changed}", places) > 0;
  }

  /** Chances of a yes, one or several at a time, or labels of 0 and 1 for them. */
  function ofBernoulli(trial, bad) {
    if (trial.inputs.some((x) => x.array.data.some((value) => value < 0 || value > 1))) return;
    const chances = bad.filter(hasFractions);
    const several = chances.length < bad.length
      || chances.every((x) => areManyChances(x, trial.own));
    if (trial.isSingle || (chances.length && several)) {
      trial.offer("bernoulli", "if each number is the probability of a yes, call kl_bernoulli", {},
        { name: "kl_bernoulli", everywhere: true });
    }
  }

  /** The output of a network's last layer where the softmax was forgotten. */
  function ofSoftmax(trial, bad) {
    const fractions = bad.filter(hasFractions);
    const outputs = fractions.filter((x) => arrays.max(x.array) > 1);
    const chances = fractions.filter((x) => areManyChances(x, trial.own));
    const names = (outputs.length ? outputs : chances).map((x) => x.name);
    if (outputs.length) {
      const said = names.length > 1 ? "these are outputs" : `${names[0]} is the output`;
      asLogits(trial, "softmax", `${said} of a network without softmax`, asGiven(names));
    } else if (chances.some((x) => arrays.max(x.array) === 1)) {
      const message = `if ${names.join(" and ")} came out of a sigmoid, put a softmax in its place; `
        + "at 1 it has lost the logits that tell the categories apart";
      trial.found.push({ kind: "softmax", message, code: null, value: null });
    } else if (chances.length) {
      const said = `${names.length > 1 ? "these" : names[0]} came out of a sigmoid where a softmax `
        + "belongs";
      const code = "np.log(np.divide({0}, np.subtract(1, {0})))";
      asLogits(trial, "softmax", said, each(code, numpy.logit, names));
    }
  }

  /** Some as logits, and the others, which may be weights, by their logarithm. */
  function asLogits(trial, kind, text, logits) {
    const places = { ...each("np.log({})", numpy.log), ...logits };
    trial.offer(kind, `if ${text}, call {call}`, places, { name: "kl_from_logits" });
  }

  /** An estimate that knows of chance, where both were counted over the same categories. */
  function ofCounts(trial) {
    const [p, q] = trial.inputs.map((x) => x.array);
    if (p.shape.length === 1 && arrays.equalShapes(p.shape, q.shape) && arrays.max(p) > 1) {
      trial.offer("counts",
        "if both were counted in samples, kl_from_counts says how much of it is chance", {},
        { name: "kl_from_counts" });
    }
  }

  /** What becomes of counts with a 0 when something is added to each. */
  function smooth(trial, places = null) {
    const text = "a count of 0 is no proof of impossibility: ";
    const works = trial.offer("smooth",
      `${text}kl_from_counts adds to every count what you choose, say 1/2`, places || {},
      { name: "kl_from_counts", smoothing: 0.5 });
    if (!works && places === null) {
      trial.offer("smooth", `${text}add to every count what you can justify, say 1/2`,
        each("np.add({}, 0.5)", numpy.half), { normalize: true });
    }
  }

  /** Two samples, given in place of two distributions. */
  function ofPoints(trial) {
    const areMany = ({ array }) => array.shape.length === 1 && array.data.length >= POINTS;
    if (trial.inputs.every(areMany)) {
      trial.offer("points", "if these are points drawn from p and q, call kl_knn", {},
        { name: "kl_knn" });
    }
  }

  function ofValues(trial) {
    const negative = trial.ofKind("negative");
    const logarithms = trial.ofKind("logarithms");
    const rounded = negative.filter(({ array }) =>
      arrays.min(array) >= -checks.TOLERANCE * arrays.max(array));
    const others = [
      ["nan", trial.ofKind("nan"), "np.nan_to_num({})", numpy.nanToNum,
        "nan stands for a category that cannot happen"],
      ["rounding", rounded, "np.maximum({}, 0)", numpy.nonNegative, "what is below 0 is rounding"],
      ["exp", logarithms, "np.exp({})", numpy.exp, "these are logarithms"],
    ];
    let areExp = 0;
    for (const [kind, atFault, code, change, when] of others) {
      if (!atFault.length) continue;
      const places = each(code, change, atFault.map((x) => x.name));
      const works = trial.offer(kind, `if ${when}, pass {changed}`, places);
      if (kind === "exp") areExp = works;
    }
    const logits = new Set([...negative, ...logarithms].map((x) => x.name));
    if (logits.size && !(rounded.length || areExp)) {
      // What is beyond 1 beside logits is logits too.
      for (const x of trial.ofKind("sum")) if (arrays.max(x.array) > 1) logits.add(x.name);
      const names = ["p", "q"].filter((name) => logits.has(name));
      const said = names.length > 1 ? "p and q hold" : `${names[0]} holds`;
      asLogits(trial, "logits", `${said} logits`, asGiven(names));
      ofPoints(trial);
    }
  }

  /** The two without their bad rows, where those are few and the rest is valid. */
  function ofRows(trial, problems) {
    const [shape, other] = trial.inputs.map((x) => x.array.shape);
    if (!arrays.equalShapes(shape, other) || shape.length !== 2) return;
    const across = trial.own === -1 ? 0 : 1; // the axis of the rows, beside that of the categories
    const bad = new Set(problems.flatMap((x) => {
      const isOfRows = x.kind === "sum" || x.kind === "empty";
      return x.places.map((place) => place[isOfRows ? 0 : across]);
    }));
    const isComplete = problems.every((x) => (x.count || 0) <= x.places.length);
    if (!(bad.size && isComplete && bad.size <= shape[across] / 2)) return;
    const rows = [...bad].sort((a, b) => a - b);
    let named = `row${rows.length > 1 ? "s" : ""} ${rows.join(" and ")}`;
    if (rows.length > 3) named = `${rows.length} of ${shape[across]} rows`;
    const code = `np.delete({}, [${rows.join(", ")}], axis=${across})`;
    const kept = each(code, (x) => numpy.withoutRows(x, rows, across));
    trial.offer("rows", `without ${named}, the rest is valid`, kept);
  }

  /** What to do about an infinite KL; for counts with a finite one, how much of it is chance. */
  function forValid(rows, p, q, axis) {
    const trial = new Trial(p, q, axis, rows.normalize);
    const infinite = arrays.range(rows.exact.length).filter((i) => rows.exact[i] === Infinity);
    if (infinite.length) ofInfinite(trial, rows, infinite);
    else if (rows.normalize && trial.isWhole) ofCounts(trial);
    return trial.found;
  }

  function ofInfinite(trial, rows, infinite) {
    const isOneHot = infinite.every((i) => Math.max(...divergences.normalized(rows.q[i])) === 1);
    if (rows.of.every((of) => Number.isFinite(of["KL(q‖p)"]))) {
      const why = isOneHot
        ? "q is one-hot, as labels are, and labels are the reference" : "if q is the reference";
      const swapped = {
        p: { code: "q", of: (given) => given.q },
        q: { code: "p", of: (given) => given.p },
      };
      trial.offer("swap", `${why}, swap the two`, swapped, { quantity: "KL(q‖p)" });
    }
    if (rows.normalize && trial.isWhole) smooth(trial);
    else if (!rows.normalize && !isOneHot) {
      const message = "if q came from a softmax, it has underflowed to 0: keep the logits and call "
        + "kl_from_logits";
      trial.found.push({ kind: "logits", message, code: null, value: null });
    }
    trial.offer("js", `js_divergence is never infinite, at most ${number(LN2)} nats`, {},
      { name: "js_divergence", quantity: "Jensen-Shannon" });
    const [first] = infinite;
    const [a, b] = [rows.p[first], rows.q[first]].map((row) => divergences.normalized(row));
    const by = [1e-12, 1e-7].map((small) =>
      number(divergences.klDivergence(a, b.map((x) => x + small))));
    const place = arrays.placeOf(first, rows.shape);
    const where = place.length ? ` in row ${wording.index(place)}` : "";
    const message = "do not add a small number to q to be rid of it, the result would be the "
      + `number's: 1e-12 gives ${by[0]} nats, 1e-7 gives ${by[1]}${where}`;
    trial.found.push({ kind: "epsilon", message, code: null, value: null });
  }

  kl.remedies = { forInvalid, forValid };
})((window.klCalculator = window.klCalculator || {}));

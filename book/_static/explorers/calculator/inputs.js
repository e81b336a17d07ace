// p and q as they came, and everything that is wrong with them: kl_lib/diagnosis/inputs.py.
(function (kl) {
  "use strict";

  const { arrays, checks, reading } = kl;
  const { DistributionError } = reading;

  /** What a check raises about an input, if it does. */
  function faultOf(check) {
    try {
      check();
      return [];
    } catch (error) {
      if (error instanceof DistributionError) return [error];
      throw error;
    }
  }

  /** An argument as it came and as an array, or with the fault that it cannot be read. */
  function read(given, name) {
    let array = arrays.make([], [0]);
    const [fault = null] = faultOf(() => { array = reading.read(given, name); });
    return { name, given, array, fault, reordered: false };
  }

  /** The two as arrays that fit, labels in one order and categories last; null if they do not. */
  function paired(p, q, axis) {
    if (p.fault || q.fault) return null;
    let found = null;
    const faults = faultOf(() => {
      checks.checkAxis(axis, Math.max(p.array.shape.length, q.array.shape.length), "p");
      found = checks.both(p, q, axis);
    });
    return faults.length ? null : found;
  }

  const fromEnd = (axis, ndim) => (axis >= 0 ? axis - ndim : axis);

  /** The two in the order of their labels in which they were paired. */
  function inOrder(p, q, both, axis) {
    const own = fromEnd(axis, Math.max(...both.arrays.map((x) => x.shape.length)));
    return [p, q].map((argument, i) => {
      const array = arrays.moveAxis(both.arrays[i], -1, own);
      const isSame = arrays.equalShapes(array.shape, argument.array.shape)
        && array.data.every((x, j) => Object.is(x, argument.array.data[j]));
      return !both.labelled || isSame ? argument : { ...argument, array, reordered: true };
    });
  }

  /** Everything that is wrong, where kl_divergence stops at the first. */
  function problems(p, q, axis, base, normalize) {
    return faults(p, q, axis, base, normalize).map((error) => ({
      argument: error.argument,
      kind: error.kind,
      message: error.message,
      count: error.count,
      places: error.places,
    }));
  }

  function faults(p, q, axis, base, normalize) {
    const found = faultOf(() => checks.checkBase(base));
    found.push(...[p, q].map((x) => x.fault).filter(Boolean));
    const readable = [p, q].filter((x) => !x.fault);
    if (!readable.length) return found;
    const larger = readable.reduce((a, b) => (b.array.shape.length > a.array.shape.length ? b : a));
    const ndim = larger.array.shape.length;
    const wrongAxis = faultOf(() => checks.checkAxis(axis, ndim, larger.name));
    if (wrongAxis.length) return [...found, ...wrongAxis];
    if (readable.length === 2) found.push(...faultOf(() => checks.both(p, q, axis)));
    const own = fromEnd(axis, ndim);
    for (const { array, name } of readable) {
      if (-own <= array.shape.length) { // that it has no such axis was said already
        found.push(...faultOf(() => checks.distribution(array, name, own, normalize)));
      }
    }
    return found;
  }

  /** What the report says of an argument, valid or not. */
  function summary(argument, axis) {
    const nothing = { minimum: null, maximum: null, zeros: null, nans: null, sums: null };
    const about = { name: argument.name, dtype: null, shape: null, ...nothing, reordered: false };
    if (argument.fault) return about;
    const { array } = argument;
    Object.assign(about, { dtype: "float64", shape: array.shape });
    if (!array.data.length) return about;
    if (axis >= -array.shape.length && axis < array.shape.length) {
      const totals = arrays.sum(array, [(axis + array.shape.length) % array.shape.length]);
      about.sums = [arrays.min(totals), arrays.max(totals)];
    }
    about.nans = arrays.countOf(array, Number.isNaN);
    about.zeros = arrays.countOf(array, (x) => x === 0);
    const some = about.nans > 0 && about.nans < array.data.length;
    const data = some ? array.data.filter((x) => !Number.isNaN(x)) : array.data;
    const numbers = arrays.make(data, [data.length]);
    about.minimum = arrays.min(numbers);
    about.maximum = arrays.max(numbers);
    about.reordered = argument.reordered;
    return about;
  }

  kl.inputs = { read, paired, fromEnd, inOrder, problems, summary };
})((window.klCalculator = window.klCalculator || {}));

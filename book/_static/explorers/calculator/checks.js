// What counts as a distribution, and every message about p and q: kl_lib/checks.
(function (kl) {
  "use strict";

  const { arrays, reading, wording } = kl;
  const { DistributionError } = reading;

  /** How far from 1 a row of float64 may sum; what else is read here counts as that. */
  const TOLERANCE = 1e-6;
  const FLOAT32_TOLERANCE = 5e-4;
  const ROUNDED = 1e-2;
  const YES_NO = 1.5;
  const PLACES = 10;
  const TABLE_OF_ONES = 4096; // a larger one is too large to take rows from

  function checkAxis(axis, ndim, name) {
    if (!(axis >= -ndim && axis < ndim)) {
      const axes = ndim === 1 ? "1 axis" : `${ndim} axes`;
      throw new DistributionError(
        `axis=${axis} is outside ${name}, which has ${axes}; leave axis out where the categories `
        + "are last",
        { kind: "axis", argument: "axis" },
      );
    }
    return axis >= 0 ? axis - ndim : axis;
  }

  /** log(base), or 1 for null. */
  function checkBase(base) {
    if (base === null) return 1;
    if (!(base.x > 0 && base.x < Infinity) || base.x === 1) {
      throw new DistributionError(
        `base is ${base.text}; pass a number above 0 other than 1, or None for nats`,
        { kind: "base", argument: "base" },
      );
    }
    return Math.log(base.x);
  }

  /** Whether two shapes pair up; the axis of the categories from the end. */
  function checkShapes(pShape, qShape, axis) {
    const larger = pShape.length >= qShape.length ? pShape : qShape;
    const smaller = pShape.length <= qShape.length ? pShape : qShape;
    const smallName = smaller === pShape ? "p" : "q";
    const both = `shapes ${wording.tuple(pShape)} and ${wording.tuple(qShape)}`;
    const fail = (message) => {
      throw new DistributionError(message, { kind: "shape", argument: "p and q" });
    };
    const found = checkAxis(axis, larger.length, larger === pShape ? "p" : "q");
    if (-found > smaller.length) {
      fail(`${smallName} has no axis ${axis} to hold the categories (${both}); give it as many axes `
        + "as the other, or use axis=-1");
    }
    const counts = [pShape[pShape.length + found], qShape[qShape.length + found]];
    if (counts[0] !== counts[1]) {
      const noun = counts[0] === 1 ? "category" : "categories";
      fail(`p has ${counts[0]} ${noun} and q has ${counts[1]} on axis ${axis} (${both}); give both `
        + `the same categories${oneCategory(pShape, qShape, found)}`);
    }
    const fits = smaller.length < larger.length
      ? arrays.equalShapes(larger.slice(larger.length - smaller.length), smaller)
      : pShape.every((n, i) => n === qShape[i] || n === 1 || qShape[i] === 1);
    if (!fits) {
      fail(`p and q do not pair up (${both}); give them the same shape, or one distribution against `
        + "a batch");
    }
    return found;
  }

  /** What a single category may stand for where the other argument has more. */
  function oneCategory(pShape, qShape, axis) {
    const counts = [pShape[pShape.length - 1], qShape[qShape.length - 1]];
    const batches = arrays.equalShapes(pShape.slice(0, -1), qShape.slice(0, -1));
    if (axis !== -1 || !batches || Math.min(...counts) !== 1) return "";
    const name = counts[0] === 1 ? "p" : "q";
    if (Math.max(...counts) === 2) {
      const yes = `np.concatenate([np.subtract(1, ${name}), ${name}], axis=-1)`;
      return `, ${yes} where ${name} is the probability of a yes`;
    }
    return `, np.equal(${name}, np.arange(${Math.max(...counts)})) where ${name} holds class numbers`;
  }

  /** p and q as arrays that fit, the categories last; raises where they do not. */
  function both(p, q, axis) {
    const labels = [p, q].map(({ given }) => reading.labelsOf(given));
    let fitting = [p.array, q.array];
    let known = null;
    if (labels.some((x) => x !== null)) {
      const ndim = Math.max(p.array.shape.length, q.array.shape.length);
      let own = axis < 0 ? axis : null;
      if (axis >= -ndim && axis < ndim) own = axis >= 0 ? axis - ndim : axis;
      const found = reading.aligned(p, q, reading.rolesOf(own));
      [fitting, known] = [found.arrays, found.known];
    }
    const own = checkShapes(fitting[0].shape, fitting[1].shape, axis);
    const names = known && known.get(reading.CATEGORY);
    return {
      arrays: fitting.map((x) => arrays.moveAxis(x, own, -1)),
      labelled: known !== null,
      names: names ? names.names : null,
    };
  }

  // One argument: its values and its sums

  function foundIn(x, test) {
    return { places: arrays.places(x, test, PLACES), count: arrays.countOf(x, test) };
  }

  /** How a message speaks of one distribution: 'p', 'row 17 of q', 'q[:, 2]', 'q[3, 1, :]'. */
  function rowName(name, place, axis) {
    if (!place.length) return name;
    if (place.length === 1 && axis === -1) return `row ${place[0]} of ${name}`;
    const index = place.map(String);
    index.splice(place.length + 1 + axis, 0, ":");
    return `${name}[${index.join(", ")}]`;
  }

  /** The logits remedy of KL; `at` the option that says the axis. */
  const ofLogits = (name, axis) =>
    `pass kl_lib.softmax(${name}${axis === -1 ? "" : `, axis=${axis}`}), or both as logits to `
    + "kl_from_logits";

  function ofSingle(x, name, axis) {
    if (x.shape[x.shape.length + axis] !== 1) return "";
    const text = `${name} has a single category, whose probability is 1 whatever comes in`;
    if (x.data.every((value) => value >= 0 && value <= 1)) {
      return `${text}: if it is the chance of a yes, use kl_bernoulli, or pass np.concatenate(`
        + `[np.subtract(1, ${name}), ${name}], axis=${axis})`;
    }
    return `${text}: pass the values of all categories`;
  }

  function checkValues(x, name, axis, areMasses) {
    const low = Math.min(0, arrays.min(x));
    const high = Math.max(0, arrays.max(x));
    if (low >= 0 && high < Infinity) return;
    const single = ofSingle(x, name, axis);
    let kind = "negative";
    let test = (value) => value < 0;
    let text = "";
    let whole = (is) => is + text;
    if (Number.isNaN(low)) {
      [kind, test] = ["nan", Number.isNaN];
      text = "; look for 0/0, the log of a negative number or a missing value. A category that "
        + "cannot happen has probability 0";
    } else if (high <= 0 && (low === -Infinity || !areMasses)) {
      kind = "logarithms";
      if (low === -Infinity) test = (value) => value === -Infinity;
      const exps = arrays.map(x, Math.exp);
      const sums = arrays.sum(exps, [x.shape.length + axis]).data;
      if (single) text = single;
      else if (areMasses || sums.every((total) => Math.abs(total - 1) <= ROUNDED)) {
        text = `pass np.exp(${name}), or the logarithms of both to kl_from_logits`;
      } else text = `np.exp(${name}) does not sum to 1, so ${ofLogits(name, axis)}`;
      whole = (is) => `${name} looks like logarithms: no value is above 0 and ${is}; ${text}`;
    } else if (low === -Infinity) {
      test = (value) => value === -Infinity;
      text = `, as the logit of a masked category is; if it is one, ${ofLogits(name, axis)}`;
    } else if (low < 0) {
      text = ", which is negative; a probability is between 0 and 1";
      if (low >= -TOLERANCE * high) text += `: if it is rounding, pass np.maximum(${name}, 0)`;
      else text += `. ${single || `If these are logits, ${ofLogits(name, axis)}`}`;
    } else {
      [kind, test] = ["infinite", (value) => value === Infinity];
      text = ", and a probability is at most 1; divide counts before they overflow, or subtract "
        + "the largest exponent before np.exp";
    }
    const found = foundIn(x, test);
    const value = x.data[x.data.findIndex((y) => test(y))];
    const is = `${wording.entry(name, found.places[0])} is ${wording.number(value)}`;
    throw new DistributionError(whole(is), { kind, argument: name, ...found });
  }

  /** What the values say of how they came to sum to something else, and what to do then. */
  function whyNot1(x, total, name, axis) {
    const single = ofSingle(x, name, axis);
    if (single) return single;
    const divide = "pass normalize=True";
    const ndim = x.shape.length;
    const sumsTo1 = (axes) =>
      arrays.sum(x, axes).data.every((sum) => Math.abs(sum - 1) <= TOLERANCE);
    for (let other = 0; other < ndim; other += 1) {
      if (other - ndim !== axis && x.shape[other] > 1 && sumsTo1([other])) {
        return `axis ${other} does sum to 1: pass axis=${other}, or ${divide} if these are counts`;
      }
    }
    if (ndim > 1 && sumsTo1(arrays.range(ndim))) {
      return `the whole table sums to 1: if it is one distribution, pass np.ravel(${name})`;
    }
    if (ndim > 2 && sumsTo1([ndim - 2, ndim - 1])) {
      const shape = wording.tuple([...x.shape.slice(0, -2), -1]);
      return "each table sums to 1: if it is one distribution, pass "
        + `np.reshape(${name}, ${shape})`;
    }
    if (!x.data.some((value) => value % 1)) return `${divide} if these are counts`;
    if (arrays.max(x) > 1) {
      return `${divide} if these are weights, or densities on bins of equal width, or `
        + `${ofLogits(name, axis)} if these are logits`;
    }
    if (Math.abs(total - 1) < ROUNDED) return `${divide} if this is rounding`;
    if (total < 1) {
      return `look for a category that is missing, or ${divide} if these are weights`;
    }
    if (total < YES_NO || axis !== -1) return `${divide} if these are weights`;
    return `${divide} if these are weights, or use kl_bernoulli if each is the chance of a yes`;
  }

  /** Raises where an array is no distribution over its axis (counted from the end). */
  function distribution(x, name, axis, normalize, tolerance = TOLERANCE) {
    if (x.shape[x.shape.length + axis] === 0) {
      throw new DistributionError(
        `${name} has no categories: its axis ${axis} is empty (shape ${wording.tuple(x.shape)}); `
        + "pass at least one",
        { kind: "empty", argument: name },
      );
    }
    checkValues(x, name, axis, normalize);
    const sums = arrays.sum(x, [x.shape.length + axis]);
    if (normalize) {
      const found = foundIn(sums, (total) => total === 0);
      if (!found.count) return;
      throw new DistributionError(
        `${rowName(name, found.places[0], axis)} sums to 0; normalize=True has nothing to divide `
        + "by: drop the row, or add a count you can justify",
        { kind: "empty", argument: name, ...found },
      );
    }
    const isWrong = (total) => !(Math.abs(total - 1) <= tolerance);
    const found = foundIn(sums, isWrong);
    if (!found.count) return;
    const total = sums.data[sums.data.findIndex(isWrong)];
    throw new DistributionError(
      `${rowName(name, found.places[0], axis)} sums to ${wording.number(total, 9)}, expected 1 `
      + `(within ${wording.number(tolerance)}); ${whyNot1(x, total, name, axis)}`,
      { kind: "sum", argument: name, ...found },
    );
  }

  /** The code for rows with a 1 at the class number, given along a column or a vector. */
  function oneHotCode(name, count, isColumn) {
    if (count > TABLE_OF_ONES) {
      return `np.equal${isColumn ? "" : ".outer"}(${name}, np.arange(${count}))`;
    }
    return `np.eye(${count})[${isColumn ? `np.squeeze(${name}, axis=-1)` : name}]`;
  }

  kl.checks = {
    TOLERANCE, FLOAT32_TOLERANCE, ROUNDED, YES_NO, PLACES, checkAxis, checkBase, both, distribution,
    oneHotCode,
  };
})((window.klCalculator = window.klCalculator || {}));

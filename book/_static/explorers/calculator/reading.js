// From what was pasted to arrays, and labels in one order: kl_lib/arrays.py and kl_lib/labels.py.
//
// What was given is {type: "array", array}, {type: "scalar", text}, {type: "fault", why},
// {type: "dict", names, columns} (an object of numbers or of lists) or {type: "table", array, axes}
// (CSV with names). Names are strings or whole numbers.
(function (kl) {
  "use strict";

  const { arrays, wording } = kl;
  const CATEGORY = "category";

  /** An input that is no distribution: `kl_lib.DistributionError`. */
  class DistributionError extends Error {
    constructor(message, { kind, argument, count = null, places = [], value = null }) {
      super(message);
      Object.assign(this, { kind, argument, count, places, value });
    }
  }

  const refuse = (name, why) => {
    throw new DistributionError(`${name} ${why}`, { kind: "unreadable", argument: name });
  };

  /** Nested lists of {x, kind} as NumPy reads them. */
  function ofLists(nested) {
    if (!Array.isArray(nested)) return { type: "scalar", text: nested.text, leaf: nested };
    const shape = [];
    for (let part = nested; Array.isArray(part); [part] = part) {
      shape.push(part.length);
      if (!part.length) break;
    }
    const leaves = [];
    const fits = (part, depth) => {
      if (depth === shape.length) {
        leaves.push(part);
        return !Array.isArray(part);
      }
      return Array.isArray(part) && part.length === shape[depth]
        && part.every((inner) => fits(inner, depth + 1));
    };
    if (!fits(nested, 0)) return { type: "fault", why: ragged(nested) };
    const missing = leaves.findIndex((leaf) => leaf.kind === "none");
    if (missing >= 0) {
      const place = arrays.placeOf(missing, shape).join(", ");
      const why = (name) => `has dtype object (${name}[${place}] is None); `
        + "a category that cannot happen has probability 0";
      return { type: "fault", why };
    }
    const kinds = new Set(leaves.map((leaf) => leaf.kind));
    const kind = kinds.has("f") || !leaves.length ? "f" : kinds.has("i") ? "i" : "b";
    return { type: "array", array: arrays.make(leaves.map((leaf) => leaf.x), shape, { kind }) };
  }

  function ragged(rows) {
    const lengths = rows.map((row) => (Array.isArray(row) ? row.length : 1));
    const other = lengths.findIndex((length) => length !== lengths[0]);
    const which = other < 0 ? "" : `: row 0 has ${wording.entries(lengths[0])}, `
      + `row ${other} has ${lengths[other]}`;
    return () => `is ragged${which}; give every row one entry for each category, 0 where it `
      + "cannot happen";
  }

  /** What was given as an array; a fault, or a lone number (where one may not be), raises. */
  function read(given, name, mayBeNumber = false) {
    if (given.type === "fault") return refuse(name, given.why(name));
    if (given.type === "dict") return ofColumns(given, name);
    if (given.type !== "scalar") return given.array;
    if (given.leaf.kind === "none") return refuse(name, "is None; pass a list of numbers");
    if (mayBeNumber) return arrays.make([given.leaf.x], [], { kind: given.leaf.kind });
    return refuse(
      name,
      `is the single number ${given.text}; a distribution needs one axis of categories: for a `
      + `Bernoulli pass [1 - ${name}, ${name}]`,
    );
  }

  function ofColumns(given, name) {
    if (!given.names.length) return arrays.make([], [0]);
    const found = given.columns.map((column, i) =>
      read(column, `${name}[${wording.shown(given.names[i])}]`, true));
    const [first] = found;
    const other = found.find((x) => !arrays.equalShapes(x.shape, first.shape));
    if (other) {
      const shapes = `${wording.tuple(first.shape)} and ${wording.tuple(other.shape)}`;
      refuse(name, `has columns of shapes ${shapes}; give all of them the same`);
    }
    return arrays.stack(found);
  }

  /** The labels of what was given: for each axis a list or null; null if it has none. */
  function labelsOf(given) {
    if (given.type === "table") return given.axes;
    if (given.type !== "dict") return null;
    const depths = given.columns.map((x) => (x.type === "array" ? x.array.shape.length : 0));
    return [...new Array(Math.max(0, ...depths)).fill(null), given.names];
  }

  /** CATEGORY for the axis of categories, for the others their numbers from the end. */
  const rolesOf = (axis) => (ndim) =>
    arrays.range(ndim).map((i) => (i - ndim === axis ? CATEGORY : i - ndim));

  const sameList = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

  function orderOf(wanted, names) {
    if (wanted.length !== names.length) return null;
    const places = new Map(names.map((name, i) => [name, i]));
    if (places.size < names.length || new Set(wanted).size < wanted.length) return null;
    const order = wanted.map((name) => places.get(name));
    return order.includes(undefined) ? null : order;
  }

  /** p and q as arrays, labels in the order of p; and the labels by role. */
  function aligned(p, q, roles) {
    const known = new Map();
    const found = [p, q].map(({ given, array, name }) => {
      const labels = labelsOf(given);
      if (labels === null) return array;
      let result = array;
      roles(labels.length).forEach((role, axis) => {
        const names = labels[axis];
        if (names === null) return;
        if (!known.has(role)) known.set(role, { name, names, given });
        const { names: wanted } = known.get(role);
        const shared = typeof role === "number" && (names.length === 1 || wanted.length === 1);
        if (shared || sameList(names, wanted)) return;
        const order = orderOf(wanted, names);
        if (order === null) {
          differ(known.get(role), { name, names, given }, role, axis - labels.length);
        }
        result = arrays.take(result, order, axis);
      });
      return result;
    });
    return { arrays: found, known };
  }

  function dropped(given, name) {
    if (given.type !== "dict") return `np.asarray(${name})`;
    const columns = given.columns.some((x) => x.type === "array");
    return columns ? `np.stack(list(${name}.values()), axis=-1)` : `list(${name}.values())`;
  }

  /** Say how the labels of two arguments differ, and what would make them fit. */
  function differ(one, two, role, axis) {
    const [a, b] = [one.names, two.names];
    let drop = "give both the same labels";
    if (a.length === b.length) {
      drop = `drop the labels with ${dropped(one.given, one.name)} if position is what counts`;
    }
    const common = new Set(a.filter((x) => b.includes(x)));
    const argument = `${one.name} and ${two.name}`;
    let what = `${argument} are labelled differently`;
    const twice = [a, b].map((x) => x.find((y) => x.indexOf(y) !== x.lastIndexOf(y)))
      .find((x) => x !== undefined);
    const fail = (message, value) => {
      throw new DistributionError(message, { kind: "labels", argument, value });
    };
    if (twice !== undefined && common.size === new Set([...a, ...b]).size) {
      fail(`${what}: ${wording.shown(twice)} stands more than once, and the order is not the same; `
        + `give each category one label, or ${drop}`, null);
    }
    let outside = b.find((x) => !common.has(x));
    let where = `${outside === undefined ? "" : wording.shown(outside)} is in ${two.name} alone`;
    if (outside === undefined) {
      outside = a.find((x) => !common.has(x));
      where = `${wording.shown(outside)} is in ${one.name} alone`;
    }
    let remedy = drop;
    if (common.size && role === CATEGORY) {
      const fill = axis === -1 ? "" : `, axis=${axis}`;
      remedy = `${one.name}, ${two.name} = kl_lib.align(${one.name}, ${two.name}${fill}) gives both `
        + "what either has, 0 where it is missing";
    } else if (common.size) {
      what = `the rows of ${what}`;
      remedy = a.length === b.length ? drop : "give both the same rows";
    }
    fail(`${what}: ${where}; ${remedy}`, outside);
  }

  /** p and q with the labels of either, 0 where one has none: `kl_lib.align`. */
  function align(p, q, axis) {
    const names = [p, q].map((given) => {
      const labels = labelsOf(given);
      const found = labels && labels[axis + labels.length];
      if (!found || new Set(found).size < found.length) throw new Error("no labels to align");
      return found;
    });
    const union = [...new Set([...names[0], ...names[1]])];
    return [p, q].map((given) => {
      const columns = columnsOf(given);
      const shape = columns.reduce((most, [, x]) => (x.shape.length > most.length ? x.shape : most), []);
      const blank = arrays.make(new Float64Array(arrays.sizeOf(shape)), shape);
      const byName = new Map(columns);
      return {
        type: "dict",
        names: union,
        columns: union.map((name) => asGiven(byName.get(name) || blank)),
      };
    });
  }

  const asGiven = (array) =>
    array.shape.length
      ? { type: "array", array }
      : { type: "scalar", leaf: { x: array.data[0], kind: array.kind } };

  function columnsOf(given) {
    const array = read(given, "table");
    const axis = array.shape.length - 1;
    const names = labelsOf(given)[axis] || arrays.range(array.shape[axis]);
    return names.map((name, i) => {
      const part = arrays.take(array, [i], axis);
      return [name, arrays.reshape(part, array.shape.slice(0, -1))];
    });
  }

  kl.reading = { DistributionError, CATEGORY, ofLists, read, labelsOf, rolesOf, aligned, align };
})((window.klCalculator = window.klCalculator || {}));

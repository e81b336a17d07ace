// Arrays of numbers with a shape, and the few operations of NumPy that the report needs.
//
// An array is {data, shape, kind, dtype}: its numbers in rows, kind "i" (whole numbers), "b" (truth
// values) or "f", and dtype "float64" or "float32", which only an answer of a library has.
(function (kl) {
  "use strict";

  const sizeOf = (shape) => shape.reduce((n, length) => n * length, 1);

  function make(data, shape, { kind = "f", dtype = "float64" } = {}) {
    return { data: Float64Array.from(data), shape: [...shape], kind, dtype };
  }

  const like = (x, data, kind = "f") => ({ data, shape: [...x.shape], kind, dtype: x.dtype });

  const map = (x, change) => like(x, x.data.map(change));

  /** The shape that two broadcast to; null if they do not. */
  function broadcastShape(a, b) {
    const length = Math.max(a.length, b.length);
    const shape = [];
    for (let i = 1; i <= length; i += 1) {
      const m = i <= a.length ? a[a.length - i] : 1;
      const n = i <= b.length ? b[b.length - i] : 1;
      if (m !== n && m !== 1 && n !== 1) return null;
      shape.unshift(m === 1 ? n : m);
    }
    return shape;
  }

  function stridesOf(shape) {
    const strides = new Array(shape.length).fill(1);
    for (let i = shape.length - 2; i >= 0; i -= 1) strides[i] = strides[i + 1] * shape[i + 1];
    return strides;
  }

  /** The entries of `x` at strides of its own, in the order of an array of this shape. */
  function gather(x, shape, strides) {
    const out = new Float64Array(sizeOf(shape));
    const place = new Array(shape.length).fill(0);
    let at = 0;
    for (let i = 0; i < out.length; i += 1) {
      out[i] = x.data[at];
      for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
        place[axis] += 1;
        at += strides[axis];
        if (place[axis] < shape[axis]) break;
        at -= strides[axis] * shape[axis];
        place[axis] = 0;
      }
    }
    return { data: out, shape: [...shape], kind: x.kind, dtype: x.dtype };
  }

  function broadcastTo(x, shape) {
    if (equalShapes(x.shape, shape)) return x;
    const own = stridesOf(x.shape);
    const missing = shape.length - x.shape.length;
    const strides = shape.map((n, i) => {
      if (i < missing || x.shape[i - missing] === 1) return 0;
      return own[i - missing];
    });
    return gather(x, shape, strides);
  }

  function together(a, b) {
    const shape = broadcastShape(a.shape, b.shape);
    if (shape === null) throw new Error("do not broadcast");
    return [broadcastTo(a, shape), broadcastTo(b, shape)];
  }

  /** change(a, b) of each pair of entries, which broadcast. */
  function zip(a, b, change) {
    const [x, y] = together(a, b);
    return like(x, x.data.map((value, i) => change(value, y.data[i])));
  }

  /** The axes in this order. */
  function transpose(x, order) {
    const strides = stridesOf(x.shape);
    return gather(x, order.map((i) => x.shape[i]), order.map((i) => strides[i]));
  }

  const range = (n) => Array.from({ length: n }, (_, i) => i);

  /** NumPy's moveaxis; axes may be counted from the end. */
  function moveAxis(x, from, to) {
    const ndim = x.shape.length;
    const [source, target] = [(from + ndim) % ndim, (to + ndim) % ndim];
    const order = range(ndim).filter((i) => i !== source);
    order.splice(target, 0, source);
    return transpose(x, order);
  }

  const reshape = (x, shape) => ({ ...x, shape: [...shape] });

  /** NumPy's sum of neighbours: in eights, then halves, which rounds as its does. */
  function pairwise(data, start, n) {
    if (n < 8) {
      let total = 0;
      for (let i = 0; i < n; i += 1) total += data[start + i];
      return total;
    }
    if (n > 128) {
      let half = Math.floor(n / 2);
      half -= half % 8;
      return pairwise(data, start, half) + pairwise(data, start + half, n - half);
    }
    const r = Array.from(data.slice(start, start + 8));
    let i = 8;
    for (; i < n - (n % 8); i += 8) for (let j = 0; j < 8; j += 1) r[j] += data[start + i + j];
    let total = r[0] + r[1] + (r[2] + r[3]) + (r[4] + r[5] + (r[6] + r[7]));
    for (; i < n; i += 1) total += data[start + i];
    return total;
  }

  /** The sum over axes, counted from 0; `keep` leaves them with length 1. */
  function sum(x, axes, keep = false) {
    const rest = range(x.shape.length).filter((i) => !axes.includes(i));
    const shape = rest.map((i) => x.shape[i]);
    const width = sizeOf(axes.map((i) => x.shape[i]));
    const last = axes.every((axis) => axis >= rest.length);
    const moved = last ? x : transpose(x, [...rest, ...axes]);
    const out = new Float64Array(sizeOf(shape));
    for (let i = 0; i < out.length; i += 1) {
      if (last) out[i] = 0 + pairwise(moved.data, i * width, width);
      else for (let j = 0; j < width; j += 1) out[i] += moved.data[i * width + j];
    }
    const kept = x.shape.map((n, i) => (axes.includes(i) ? 1 : n));
    return { data: out, shape: keep ? kept : shape, kind: "f", dtype: x.dtype };
  }

  function min(x) {
    let least = Infinity;
    for (const value of x.data) {
      if (Number.isNaN(value)) return NaN;
      if (value < least) least = value;
    }
    return least;
  }

  function max(x) {
    let most = -Infinity;
    for (const value of x.data) {
      if (Number.isNaN(value)) return NaN;
      if (value > most) most = value;
    }
    return most;
  }

  /** Where `test` holds, as indices. */
  function places(x, test, most = Infinity) {
    const found = [];
    for (let i = 0; i < x.data.length && found.length < most; i += 1) {
      if (test(x.data[i], i)) found.push(placeOf(i, x.shape));
    }
    return found;
  }

  function placeOf(flat, shape) {
    const place = [];
    let rest = flat;
    for (const stride of stridesOf(shape)) {
      place.push(Math.floor(rest / stride));
      rest %= stride;
    }
    return place;
  }

  const countOf = (x, test) => x.data.reduce((n, value) => n + (test(value) ? 1 : 0), 0);

  /** An array with its categories last, as rows. */
  function rowsOf(x) {
    const width = x.shape[x.shape.length - 1];
    const n = sizeOf(x.shape.slice(0, -1));
    return range(n).map((i) => x.data.slice(i * width, (i + 1) * width));
  }

  /** Arrays of one shape along a new last axis. */
  function stack(parts) {
    const n = parts.length;
    const data = new Float64Array(n * parts[0].data.length);
    parts.forEach((part, i) => part.data.forEach((value, j) => { data[j * n + i] = value; }));
    const kinds = parts.map((part) => part.kind);
    const kind = kinds.every((x) => x === kinds[0]) ? kinds[0] : kinds.includes("f") ? "f" : "i";
    return { data, shape: [...parts[0].shape, n], kind, dtype: "float64" };
  }

  /** NumPy's take: entries of one axis in this order. */
  function take(x, order, axis) {
    const moved = moveAxis(x, axis, 0);
    const width = sizeOf(moved.shape.slice(1));
    const data = new Float64Array(order.length * width);
    order.forEach((from, to) => {
      data.set(moved.data.subarray(from * width, (from + 1) * width), to * width);
    });
    const taken = { ...moved, data, shape: [order.length, ...moved.shape.slice(1)] };
    return moveAxis(taken, 0, axis);
  }

  const equalShapes = (a, b) => a.length === b.length && a.every((n, i) => n === b[i]);
  const equal = (a, b) =>
    equalShapes(a.shape, b.shape) && a.data.every((value, i) => value === b.data[i]);

  kl.arrays = {
    sizeOf, make, like, map, broadcastShape, broadcastTo, together, zip, transpose, range, moveAxis,
    reshape, sum, min, max, places, placeOf, countOf, rowsOf, stack, take, equalShapes, equal,
  };
})((window.klCalculator = window.klCalculator || {}));

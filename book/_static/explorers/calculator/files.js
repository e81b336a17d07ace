// Files that are chosen or dropped: text as it is, .npy as the lists that NumPy would print.
(function (kl) {
  "use strict";

  const { arrays, wording } = kl;
  const { ParseError } = kl;

  const READERS = {
    f8: (view, at, isLittle) => view.getFloat64(at, isLittle),
    f4: (view, at, isLittle) => view.getFloat32(at, isLittle),
    i8: (view, at, isLittle) => Number(view.getBigInt64(at, isLittle)),
    u8: (view, at, isLittle) => Number(view.getBigUint64(at, isLittle)),
    i4: (view, at, isLittle) => view.getInt32(at, isLittle),
    u4: (view, at, isLittle) => view.getUint32(at, isLittle),
    i2: (view, at, isLittle) => view.getInt16(at, isLittle),
    u2: (view, at, isLittle) => view.getUint16(at, isLittle),
    i1: (view, at) => view.getInt8(at),
    u1: (view, at) => view.getUint8(at),
    b1: (view, at) => view.getUint8(at),
  };

  /** The text that stands for a file. */
  async function textOfFile(file) {
    const content = await file.arrayBuffer();
    const begins = String.fromCharCode(...new Uint8Array(content.slice(0, 6)));
    if (begins === "\x93NUMPY") return textOfArray(arrayOf(new DataView(content), file.name));
    if (begins.startsWith("PK")) {
      throw new ParseError(`${file.name} holds several arrays; save one with np.save("p.npy", p)`);
    }
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(content);
    } catch (error) {
      throw new ParseError(`${file.name} is neither text nor .npy; save it with np.save("p.npy", p)`);
    }
  }

  /** The array in a .npy file. */
  function arrayOf(view, name) {
    const isOld = view.getUint8(6) === 1;
    const length = isOld ? view.getUint16(8, true) : view.getUint32(8, true);
    const start = isOld ? 10 : 12;
    const header = String.fromCharCode(...new Uint8Array(view.buffer, start, length));
    const [, order, type] = /'descr':\s*'([<>|=]?)(\w+)'/.exec(header) || [];
    const read = READERS[type];
    if (!read) {
      throw new ParseError(`${name} has dtype ${type || "object"}; save it with array.astype(float)`);
    }
    const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)[1].match(/\d+/g) || []).map(Number);
    const size = Number(type.slice(1));
    const at = start + length;
    if (view.byteLength < at + size * arrays.sizeOf(shape)) {
      throw new ParseError(`${name} is damaged: it ends too early; write it again`);
    }
    const data = arrays.range(arrays.sizeOf(shape)).map((i) =>
      read(view, at + i * size, order !== ">"));
    const kind = type[0] === "f" ? "f" : type[0] === "b" ? "b" : "i";
    if (!/'fortran_order':\s*True/.test(header)) return arrays.make(data, shape, { kind });
    const turned = arrays.make(data, [...shape].reverse(), { kind });
    return arrays.transpose(turned, arrays.range(shape.length).reverse());
  }

  /** An array as Python writes its lists, a row in each line. */
  function textOfArray({ data, shape, kind }) {
    const write = (x) => (kind === "b" ? (x ? "True" : "False") : wording.literal(x, kind === "i"));
    const part = (start, rest) => {
      if (!rest.length) return write(data[start]);
      const step = arrays.sizeOf(rest.slice(1));
      const items = arrays.range(rest[0]).map((i) => part(start + i * step, rest.slice(1)));
      return `[${items.join(rest.length > 1 ? ",\n " : ", ")}]`;
    };
    return part(0, shape);
  }

  kl.files = { textOfFile, textOfArray };
})((window.klCalculator = window.klCalculator || {}));

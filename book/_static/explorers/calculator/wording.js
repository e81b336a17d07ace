// Numbers, counts and places as the report writes them: kl_lib/diagnosis/wording.py.
(function (kl) {
  "use strict";

  const LN2 = Math.LN2;

  /** Digits and exponent of a finite number above 0, rounded half to even as Python does. */
  function digitsOf(size, digits) {
    const [mantissa, exponent] = size.toExponential(digits - 1).split("e");
    let plain = mantissa.replace(".", "");
    // JavaScript rounds a tie up. A float has so few digits that a tie shows within a hundred.
    const exact = size.toPrecision(100).replace(/e.*/, "").replace(".", "").replace(/^0+/, "");
    const isTie = /^50*$/.test(exact.slice(digits));
    if (isTie && Number(exact[digits - 1]) % 2 === 0) {
      plain = exact.slice(0, digits);
      const shift = size.toExponential(99).split("e")[1];
      return [plain, Number(shift)];
    }
    return [plain, Number(exponent)];
  }

  /** Python's f"{x:.{digits}g}". */
  function number(x, digits = 6) {
    if (Number.isNaN(x)) return "nan";
    if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
    const sign = x < 0 || Object.is(x, -0) ? "-" : "";
    if (x === 0) return `${sign}0`;
    const wanted = Math.max(digits, 1);
    const [plain, exponent] = digitsOf(Math.abs(x), wanted);
    if (exponent < -4 || exponent >= wanted) {
      const rest = plain.slice(1).replace(/0+$/, "");
      const power = `${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
      return `${sign}${plain[0]}${rest ? `.${rest}` : ""}e${power}`;
    }
    if (exponent < 0) {
      return `${sign}0.${"0".repeat(-exponent - 1)}${plain}`.replace(/0+$/, "");
    }
    const whole = plain.slice(0, exponent + 1);
    const rest = plain.slice(exponent + 1).replace(/0+$/, "");
    return `${sign}${whole}${rest ? `.${rest}` : ""}`;
  }

  /** Python's f"{x:+.{digits}g}". */
  const signed = (x, digits) => (x < 0 || Object.is(x, -0) ? "" : "+") + number(x, digits);

  /** How many significant digits, at least `digits`, show that x and y are not the same number. */
  function digitsApart(x, y, digits = 6) {
    if (x === y || !Number.isFinite(x) || !Number.isFinite(y)) return digits;
    for (let n = digits; n < 18; n += 1) if (number(x, n) !== number(y, n)) return n;
    return 17;
  }

  /** How many, at least 9, show that not all of these sums are 1. */
  function digitsFromOne(...sums) {
    const furthest = sums.reduce((a, b) => (Math.abs(b - 1) > Math.abs(a - 1) ? b : a), sums[0]);
    return digitsApart(furthest === undefined ? 1 : furthest, 1, 9);
  }

  /** A share in per cent, never 100 unless it is. */
  function percent(x) {
    const text = `${number(100 * x, 3)} %`;
    return text === "100 %" && x < 1 ? "> 99.9 %" : text;
  }

  const count = (n, one, many) => `${n} ${n === 1 ? one : many || `${one}s`}`;
  const entries = (n) => count(n, "entry", "entries");

  /** A tuple as Python writes it: (), (3,), (2, 3). */
  const tuple = (items) => (items.length === 1 ? `(${items[0]},)` : `(${items.join(", ")})`);

  /** A row or an entry: '17', or '(3, 1)' where one number does not tell. */
  const index = (place) => (place.length === 1 ? String(place[0]) : tuple(place));

  /** An entry in a message: 'p[3]', 'q[0, 2]'; of a lone number 'p'. */
  const entry = (name, place) => (place.length ? `${name}[${place.join(", ")}]` : name);

  /** One number where the two read the same, otherwise both. */
  function span(low, high, between, digits = 9) {
    const ends = [number(low, digits), number(high, digits)];
    if (ends[0] === ends[1]) return ends[0];
    return between.replace("{}", () => ends[0]).replace("{}", () => ends[1]);
  }

  /** KL in words: of one row in nats and bits, of a batch from smallest to largest. */
  function divergence(value, name = "KL(p‖q)") {
    if (value.shape.length === 0) {
      const x = value.data[0];
      return `${name} = ${number(x)} nats = ${number(x / LN2)} bits`;
    }
    if (value.data.length === 0) return "no rows";
    const [low, high] = [kl.arrays.min(value), kl.arrays.max(value)].map((x) => number(x));
    const range = low === high ? `= ${low}` : `from ${low} to ${high}`;
    return `${name} ${range} nats in ${count(value.data.length, "row")}`;
  }

  /** A string as Python's repr writes it. */
  function repr(text) {
    const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
    const inside = text
      .replace(/\\/g, "\\\\")
      .replace(/\n/g, "\\n")
      .replace(/\r/g, "\\r")
      .replace(/\t/g, "\\t")
      .replace(new RegExp(quote, "g"), `\\${quote}`);
    return quote + inside + quote;
  }

  /** A label as a message writes it: at most 20 letters. */
  const shown = (label) => (typeof label === "string" ? repr(label) : String(label)).slice(0, 20);

  /** What a number is called in Python: 1, 0.5, 1e-07, nan. */
  function literal(x, isWhole = false) {
    if (Number.isNaN(x)) return "nan";
    if (!Number.isFinite(x)) return x > 0 ? "inf" : "-inf";
    if (isWhole && Number.isInteger(x)) return BigInt(x).toString();
    const sign = x < 0 || Object.is(x, -0) ? "-" : "";
    const [mantissa, power] = Math.abs(x).toExponential().split("e");
    const exponent = Number(power);
    if (exponent < -4 || exponent >= 16) {
      const size = String(Math.abs(exponent)).padStart(2, "0");
      return `${sign}${mantissa}e${exponent < 0 ? "-" : "+"}${size}`;
    }
    const plain = mantissa.replace(".", "");
    if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${plain}`;
    const whole = plain.slice(0, exponent + 1).padEnd(exponent + 1, "0");
    return `${sign}${whole}.${plain.slice(exponent + 1) || "0"}`;
  }

  kl.wording = {
    LN2, number, signed, digitsApart, digitsFromOne, percent, count, entries, tuple, index, entry,
    span, divergence, repr, shown, literal,
  };
})((window.klCalculator = window.klCalculator || {}));

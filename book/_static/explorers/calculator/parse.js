// What people paste, as numbers in lists: plain numbers, CSV, JSON, Python, NumPy, PyTorch.
//
// `parse(text)` gives what reading.js calls given, or throws a ParseError whose message says where.
(function (kl) {
  "use strict";

  const { reading, wording } = kl;

  class ParseError extends Error {}

  const fail = (message) => {
    throw new ParseError(message);
  };

  const NUMBER = /^[+-]?(\d[\d_]*\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  const WORDS = {
    nan: NaN, inf: Infinity, infinity: Infinity,
    true: true, false: false,
    none: null, null: null, na: NaN,
  };

  /** A word as a leaf {x, kind, text}; null if it is no number. `kind`: "i", "f", "b" or "none". */
  function leafOf(word) {
    const plain = word.replace(/^\+/, "");
    const isNegative = plain.startsWith("-");
    const name = (isNegative ? plain.slice(1) : plain).toLowerCase()
      .replace(/^(np|numpy|math|torch|jnp|tf)\./, "");
    if (name in WORDS && Object.hasOwn(WORDS, name)) {
      const value = WORDS[name];
      if (value === null) return isNegative ? null : { x: NaN, kind: "none", text: "None" };
      if (typeof value === "boolean") {
        return isNegative ? null
          : { x: Number(value), kind: "b", text: value ? "True" : "False" };
      }
      const x = isNegative ? -value : value;
      return { x, kind: "f", text: wording.literal(x) };
    }
    if (!NUMBER.test(word)) return null;
    const x = Number(word.replace(/_/g, ""));
    // Beyond 2⁶³ NumPy has no whole number.
    const isWhole = /^[+-]?[\d_]+$/.test(word) && Math.abs(x) < 2 ** 63;
    return { x: isWhole ? x + 0 : x, kind: isWhole ? "i" : "f", text: wording.literal(x, isWhole) };
  }

  /** More than a page answers at once. */
  const MOST = 100000;

  function parse(text) {
    const given = read(text);
    for (const part of given.type === "pair" ? [given.p, given.q] : [given]) {
      const n = part.array ? part.array.data.length : 0;
      if (n > MOST) fail(`${n} numbers; the page takes ${MOST}, kl_lib.diagnose any number`);
    }
    return given;
  }

  function read(text) {
    const clean = text.replace(/^\uFEFF/, "").replace(/\u2212/g, "-").replace(/\r\n?/g, "\n");
    if (!clean.trim()) fail("nothing is pasted here; paste numbers, such as 0.2 0.5 0.3");
    return /[[{(]/.test(clean) ? parseLiteral(clean) : parseTable(clean);
  }

  // Lists and objects, as Python, NumPy and JSON write them

  const TOKEN = new RegExp([
    "\\s+",
    "#[^\\n]*", // a comment of Python
    "\"(?:[^\"\\\\]|\\\\.)*\"", "'(?:[^'\\\\]|\\\\.)*'",
    "[\\[\\](){},:;=]",
    "[^\\s\\[\\](){},:;='\"]+",
  ].join("|"), "y");

  const MIRROR = { "[": "]", "(": ")", "{": "}" };

  function tokens(text) {
    const found = [];
    let line = 1;
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.length) {
      const at = TOKEN.lastIndex;
      const match = TOKEN.exec(text);
      if (match === null) fail(`line ${line}: ${quoted(text.slice(at))} begins a text that never ends`);
      const [token] = match;
      if (!/^[\s#]/.test(token)) found.push({ token, line, isGlued: at > 0 && !/\s/.test(text[at - 1]) });
      line += token.split("\n").length - 1;
    }
    return found;
  }

  const quoted = (token) => wording.repr(token.slice(0, 20));

  function parseLiteral(text) {
    const list = tokens(text);
    let at = 0;
    const peek = () => (at < list.length ? list[at].token : null);
    const next = () => list[at++];
    const line = () => list[Math.min(at, list.length - 1)].line;

    // "p = ..." in front, and a semicolon behind.
    if (list.length > 2 && list[1].token === "=" && /^[A-Za-z_]/.test(list[0].token)) at = 2;

    /** Names of calls and of modules around a list: array(, tensor(, np.array(, dtype=...). */
    function value(place) {
      const token = peek();
      if (token === null) return fail(`line ${line()}: a bracket is never closed`);
      if (/^[A-Za-z_][\w.]*$/.test(token) && list[at + 1] && list[at + 1].token === "(") {
        at += 2;
        // float("nan") is a number, a text alone is none.
        if (/(^|\.)float\d*$/.test(token) && peek() !== null) list[at].token = unquoted(peek());
        const inner = value(place);
        options();
        expect(")");
        return inner;
      }
      if (token === "[" || token === "(") return sequence(place);
      if (token === "{") return object();
      return leaf(place);
    }

    /** dtype=..., device=..., requires_grad=..., shape=(...), which say nothing of the values. */
    function options() {
      while (peek() === ",") {
        next();
        if (peek() === ")") break;
        let depth = 0;
        while (peek() !== null && (depth > 0 || !(peek() === "," || peek() === ")"))) {
          if (/^[[({]$/.test(peek())) depth += 1;
          if (/^[\])}]$/.test(peek())) depth -= 1;
          next();
        }
      }
    }

    function expect(sign) {
      if (peek() !== sign) {
        const found = peek() === null ? "the end" : quoted(peek());
        fail(`line ${line()}: ${found} where ${quoted(sign)} should be`);
      }
      next();
    }

    function leaf(place) {
      const { token, line: row } = list[at];
      if (token === "..." || token === "…") {
        fail(`line ${row}: '...' stands for numbers that were left out; `
          + "print them all with print(p.tolist())");
      }
      const found = leafOf(token);
      if (found === null) fail(`${where(place)}: ${quoted(unquoted(token))} is not a number`);
      next();
      return { leaf: found };
    }

    function sequence(place) {
      const open = next().token;
      const items = [];
      while (peek() !== MIRROR[open]) {
        if (peek() === null) fail(`line ${line()}: ${quoted(open)} is never closed`);
        if (/^[\])}]$/.test(peek())) {
          fail(`line ${line()}: ${quoted(peek())} closes what ${quoted(open)} opened`);
        }
        if (peek() === "," || peek() === ";") {
          if (!items.length || list[at - 1].token === ",") {
            fail(`${where([...place, items.length])}: nothing between two commas`);
          }
          next();
          continue;
        }
        items.push(value([...place, items.length]));
      }
      next();
      // (0.5) is a number in Python, (0.5,) a tuple.
      if (open === "(" && items.length === 1 && list[at - 2].token !== ",") return items[0];
      return { items };
    }

    function object() {
      next();
      const entries = new Map();
      while (peek() !== "}") {
        if (peek() === null) fail(`line ${line()}: '{' is never closed`);
        const name = keyOf(next().token);
        expect(":");
        entries.set(name, value([name]));
        if (peek() === ",") next();
        else if (peek() !== "}") expect("}");
      }
      next();
      return { entries };
    }

    const found = value([]);
    if (peek() === ";") next();
    if (peek() !== null) {
      fail(`line ${line()}: ${quoted(peek())} comes after the end; paste one array into each box`);
    }
    return givenOf(found);
  }

  const unquoted = (token) => (/^["']/.test(token) ? textOf(token) : token);

  function textOf(token) {
    if (token.startsWith('"')) {
      try {
        return JSON.parse(token.replace(/\n/g, "\\n"));
      } catch (error) {
        return token.slice(1, -1);
      }
    }
    return token.slice(1, -1).replace(/\\(['"\\])/g, "$1");
  }

  function keyOf(token) {
    if (/^["']/.test(token)) return textOf(token);
    const found = leafOf(token);
    if (found !== null && found.kind === "i") return found.x;
    return fail(`${quoted(token)} stands where a label should; write labels in quotes`);
  }

  /** A place in words: 'row 2, column 3', 'number 3', "'cat'". */
  function where(place) {
    const named = place.map((x) => (typeof x === "number" ? x + 1 : wording.shown(x)));
    if (!place.length) return "here";
    if (typeof place[0] !== "number") return named.join(", number ");
    if (place.length === 1) return `number ${named[0]}`;
    if (place.length === 2) return `row ${named[0]}, column ${named[1]}`;
    return `number [${place.join(", ")}]`;
  }

  const nestedOf = (part) => (part.leaf ? part.leaf : part.items.map(nestedOf));

  function givenOf(part) {
    if (!part.entries) {
      checkObjects(part);
      return reading.ofLists(nestedOf(part));
    }
    const names = [...part.entries.keys()];
    const columns = [...part.entries.values()];
    const isPair = names.length === 2 && names.includes("p") && names.includes("q");
    if (isPair && columns.every((x) => !x.leaf)) {
      return {
        type: "pair",
        p: givenOf(part.entries.get("p")),
        q: givenOf(part.entries.get("q")),
      };
    }
    columns.forEach((x) => {
      if (x.entries) fail("an object in an object; give each category a number or a list");
      checkObjects(x);
    });
    return { type: "dict", names, columns: columns.map((x) => reading.ofLists(nestedOf(x))) };
  }

  function checkObjects(part) {
    if (part.entries) fail("an object in a list; paste numbers in lists");
    (part.items || []).forEach(checkObjects);
  }

  // Lines of numbers, and CSV with names: as kl_lib.input_files reads it

  function parseTable(text) {
    if (BELOW_A_SERIES.test(text)) return seriesOf(text.replace(BELOW_A_SERIES, ""));
    const separator = [",", ";", "\t"].find((sign) => text.includes(sign)) || " ";
    const lines = text.split("\n");
    let rows = lines.map((line, i) => ({ line: i + 1, cells: cellsOf(line, separator) }))
      .filter(({ cells }) => cells.some((cell) => cell.text));
    let [names, index] = [null, null];
    if (rows.length && hasNames(rows)) {
      names = rows[0].cells.map((cell) => cell.text);
      rows = rows.slice(1);
      if (!names[0]) {
        names = names.slice(1);
        index = rows.map(({ cells }) => cells[0].text);
        rows = rows.map((row) => ({ ...row, cells: row.cells.slice(1) }));
      }
    } else if (rows.length > 1 && rows.every(beginsWithName)) {
      index = rows.map(({ cells }) => cells[0].text);
      rows = rows.map((row) => ({ ...row, cells: row.cells.slice(1) }));
    }
    if (names || index) {
      if (!rows.length) fail(`line 1: ${quoted(names[0] || "")} is not a number`);
    }
    const table = rows.map(({ line, cells }) => cells.map((cell, i) => {
      const leaf = cell.text ? leafOf(cell.text) : null;
      if (leaf !== null) return leaf;
      const what = cell.text ? `${quoted(cell.text)} is not a number`
        : "empty; write a number, 0 where a category cannot happen";
      const column = i + 1 + (index ? 1 : 0);
      return fail(`${rows.length > 1 || names ? `row ${line}, column ${column}` : `number ${i + 1}`}: `
        + what);
    }));
    return tableOf(table, rows, names, index);
  }

  const BELOW_A_SERIES = /^(Name|Length|dtype): .*$/m;

  /** What pandas prints of a Series: a label and a number in each line, below the index's name. */
  function seriesOf(text) {
    let rows = text.split("\n").map((line, i) => ({ line: i + 1, text: line.trimEnd() }))
      .filter((row) => row.text.trim())
      .map((row) => ({ ...row, parts: row.text.match(/^(.*\S)\s{2,}(\S+)$/) }));
    if (rows.length > 1 && !rows[0].parts) rows = rows.slice(1);
    const values = rows.map((row) => {
      const number = row.parts && leafOf(row.parts[2]);
      if (number) return number;
      return fail(`line ${row.line}: ${quoted(row.parts ? row.parts[2] : row.text)} is not a number`);
    });
    return labelled(values, [rows.map((row) => row.parts[1].trim())]);
  }

  function tableOf(table, rows, names, index) {
    const width = table[0].length;
    const other = table.findIndex((row) => row.length !== width);
    if (other >= 0 && (names || index)) {
      const [n, first, m] = [rows[other].line, rows[0].line, table[other].length];
      fail(`line ${n} has ${wording.count(m, "number")}, line ${first} has ${width}; give every line `
        + "one for each category");
    }
    if (names && names.length !== width) {
      fail(`${wording.count(names.length, "name")} and ${wording.count(width, "number")} in a line; `
        + "give every column one name");
    }
    if (width === 1 && table.length > 1) { // one number in each line is one distribution
      return labelled(table.map((row) => row[0]), [index]);
    }
    if (width === 1 && table.length === 1 && !names) return reading.ofLists(table[0][0]);
    if (table.length === 1) return labelled(table[0], [names]);
    return labelled(table, [index, names]);
  }

  function labelled(nested, axes) {
    const given = reading.ofLists(nested);
    if (given.type !== "array" || !axes.some(Boolean)) return given;
    return { type: "table", array: { ...given.array, kind: "f" }, axes };
  }

  /** The cells of a line, {text}; of a line of words, with runs of spaces between them. */
  function cellsOf(line, separator) {
    if (separator === " ") {
      return (line.match(/"(?:[^"]|"")*"|\S+/g) || []).map((text) => ({ text: bare(text) }));
    }
    const cells = [];
    const pattern = new RegExp(`\\s*("(?:[^"]|"")*"|[^${separator}]*?)\\s*(${separator}|$)`, "y");
    for (let match = pattern.exec(line); match; match = pattern.exec(line)) {
      cells.push({ text: bare(match[1]) });
      if (!match[2]) break;
    }
    // A separator at the end of a line is no empty cell.
    if (cells.length > 1 && !cells[cells.length - 1].text) cells.pop();
    return cells;
  }

  const bare = (text) =>
    (/^".*"$/.test(text) ? text.slice(1, -1).replace(/""/g, '"') : text).trim();

  const isName = ({ text }) => !text || leafOf(text) === null;

  /** A name, and after it a number: 'cat 0.5'. */
  const beginsWithName = ({ cells }) =>
    cells.length > 1 && cells[0].text && isName(cells[0]) && !isName(cells[1]);

  /** Whether the first line holds names: no number at all, or the counted columns of pandas. */
  function hasNames(rows) {
    const [{ cells }, ...others] = rows;
    if (!others.length) return false;
    if (cells.every(isName)) return true;
    const areCounted = cells.slice(1).every(({ text }, i) => text === String(i));
    return cells.length > 1 && isName(cells[0]) && areCounted && (!cells[0].text
      || others.every((row) => isName(row.cells[0])));
  }

  kl.parse = parse;
  kl.ParseError = ParseError;
})((window.klCalculator = window.klCalculator || {}));

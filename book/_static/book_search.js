/* Search in the book, by section, also where pages are opened as files.

   The index, _static/book_sections.js, and Sphinx's stemmer are scripts that load when a search box is
   first used. Results appear while typing, as options of the box; on the page of results, and on Enter,
   there are more of them. `_ext/kl_search.py` writes the index. */
"use strict";

(() => {
    const WEIGHTS = { heading: 10, questions: 8, above: 0.7, text: 1 };
    const MEANS_THE_SAME = 0.8; // of a word's weight, where another word for it stands in the text
    const BEGINS_SO = 0.6; // where a word is not written to its end
    const SMALL_WORDS = new Set((
        "why how what which when who where do does did don doesn isn t s can should have has from"
        + " i my me you your we our am an vs versus between get gets give gives use using every"
        + " difference"
    ).split(" ")); // and those that Sphinx leaves out
    const SMALL = 0.15; // what such a word counts
    const AS_ASKED = 1.5; // the heading has the words in the order of the question
    const FAR_BEHIND = 0.15; // of the best score: such sections are left out
    const NAMED = 2; // it has a name that is asked for, such as kl_divergence
    const ASIDE = 0.7; // for what a reader wants after the text: references, summaries, exercises
    const IS_ASIDE = /^book\/(reference|errors|bibliography|audit_rules)|^Summary$|^Exercises$|^Further reading$/;
    const SHOWN_TYPING = 8;
    const SHOWN_IN_ALL = 30;

    const NUMBER = /^[\d.]+\s/;
    const words = (text) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

    /* The index: for every stem the sections that have it, with a weight between 0 and 1 (BM25F). */
    function build({ sections, synonyms }) {
        const stems = new Map();
        const stemmer = new Stemmer();
        const stem = (word) => {
            if (!stems.has(word)) {
                // "normalise" and "normalize" are one word.
                stems.set(word, stemmer.stemWord(word.replace(/is(e|ed|er|es|ing|ation)$/, "iz$1")));
            }
            return stems.get(word);
        };
        const fields = sections.map(([, , heading, above, questions, text]) => ({
            heading: words(heading.replace(NUMBER, "")), questions: words(questions.join(" ")),
            above: words(above), text: words(text),
        }));
        const postings = new Map();
        for (const [name, weight] of Object.entries(WEIGHTS)) {
            const usual = fields.reduce((sum, field) => sum + field[name].length, 0) / fields.length;
            fields.forEach((field, section) => {
                // A word among few says more than one among many; none counts as less than five.
                const share = weight / (0.5 + 0.5 * Math.max(field[name].length, 5) / Math.max(usual, 5));
                for (const word of field[name]) {
                    const key = stem(word);
                    if (!postings.has(key)) postings.set(key, new Map());
                    const found = postings.get(key);
                    found.set(section, (found.get(section) ?? 0) + share);
                }
            });
        }
        for (const found of postings.values()) {
            for (const [section, count] of found) found.set(section, count / (4 + count));
        }
        const phrases = synonyms.map((group) => group.map((phrase) => words(phrase).map(stem)));
        const said = (parts) => parts.map((part) => ` ${part.map(stem).join(" ")} `).join("|");
        const titles = fields.map((field) => said([field.heading, field.questions]));
        const texts = fields.map((field) => said(Object.values(field)));
        return { sections, fields, titles, texts, postings, phrases, stem, stems };
    }

    /* What is asked for: a list of ideas, each with ways to say it as lists of stems. */
    function ideas(query, { phrases, postings, stem, stems: known }) {
        const asked = words(query);
        const stems = asked.map(stem);
        const found = [];
        for (let at = 0; at < stems.length;) {
            let best = { length: 1, group: [] };
            for (const group of phrases) {
                for (const phrase of group) {
                    const here = phrase.every((word, i) => word === stems[at + i]);
                    if (here && (phrase.length > best.length || !best.group.length)) {
                        best = { length: phrase.length, group };
                    }
                }
            }
            const said = stems.slice(at, at + best.length);
            const ways = new Map([[said.join(" "), 1]]);
            for (const phrase of best.group) {
                if (!ways.has(phrase.join(" "))) ways.set(phrase.join(" "), MEANS_THE_SAME);
            }
            const typing = at + best.length === stems.length && /[\p{L}\p{N}]$/u.test(query);
            if (best.length === 1 && !postings.has(said[0])) {
                for (const [word, key] of known) {
                    if (!ways.has(key) && alike(asked[at], word, typing)) ways.set(key, BEGINS_SO);
                }
            }
            const small = best.length === 1
                && (SMALL_WORDS.has(asked[at]) || stopwords.includes(asked[at]));
            found.push({ weight: small ? SMALL : best.length, ways: [...ways] });
            at += best.length;
        }
        // Of small words alone, each counts.
        const telling = found.some(({ weight }) => weight >= 1);
        return telling ? found : found.map((idea) => ({ ...idea, weight: 1 }));
    }

    /* Whether a word of the text may be meant: it begins so, or one letter is wrong. */
    function alike(typed, word, typing) {
        if (typing && typed.length > 1 && word.startsWith(typed)) return true;
        if (typed.length < 5 || Math.abs(typed.length - word.length) > 1) return false;
        let same = 0;
        while (same < word.length && typed[same] === word[same]) same += 1;
        const [left, right] = [typed.slice(same), word.slice(same)];
        return left.slice(1) === right.slice(1) || left.slice(1) === right || left === right.slice(1)
            || left[1] === right[0] && left[0] === right[1] && left.slice(2) === right.slice(2);
    }

    /* The sections that answer, best first, each with the stems that it was found by. */
    function ranked(query, index) {
        const asked = ideas(query, index);
        const whole = ` ${words(query).map(index.stem).join(" ")} `;
        const names = query.toLowerCase().split(/\s+/).filter((word) => /\w_\w/.test(word));
        const total = asked.reduce((sum, idea) => sum + idea.weight, 0);
        const results = new Map();
        for (const { weight, ways } of asked) {
            const best = new Map();
            for (const [phrase, share] of ways) {
                const way = phrase.split(" ");
                const lists = way.map((word) => index.postings.get(word) ?? new Map());
                for (const section of lists[0].keys()) {
                    // The words of a phrase stand side by side.
                    if (lists[1] && !index.texts[section].includes(` ${phrase} `)) continue;
                    const sum = lists.reduce((all, list) => all + list.get(section), 0);
                    const score = share * sum / lists.length;
                    if (score > (best.get(section)?.score ?? 0)) best.set(section, { score, way });
                }
            }
            // What few sections have says more than what all have, in whatever words.
            const rare = Math.log(1 + (index.sections.length - best.size + 0.5) / (best.size + 0.5));
            for (const [section, { score, way }] of best) {
                const result = results.get(section) ?? { section, score: 0, found: 0, stems: [] };
                result.score += weight * rare * score;
                result.found += weight / total;
                if (weight >= 1) result.stems.push(...way);
                results.set(section, result);
            }
        }
        const answers = [...results.values()]
            .filter((result) => result.stems.length)
            .map((result) => {
                const [page, , heading] = index.sections[result.section];
                const aside = IS_ASIDE.test(page) || IS_ASIDE.test(heading.replace(NUMBER, ""));
                const named = names.some((name) => heading.toLowerCase().includes(name));
                const factor = (index.titles[result.section].includes(whole) ? AS_ASKED : 1)
                    * (named ? NAMED : 1) * (aside ? ASIDE : 1);
                return { ...result, score: factor * result.score * result.found ** 2 };
            })
            .sort((a, b) => b.score - a.score || a.section - b.section);
        return answers.filter((result) => result.score > FAR_BEHIND * answers[0].score);
    }

    /* The words of a section that were meant, as they stand there; "kl" is in all of them. */
    function meant({ section, stems }, { fields, postings, sections, stem }) {
        const telling = stems.filter((key) => postings.get(key).size < sections.length / 3);
        const keys = new Set(telling.length ? telling : stems);
        const field = fields[section];
        return new Set([...field.heading, ...field.text].filter((word) => keys.has(stem(word))));
    }

    /* The part of the text with most of these words. */
    function excerpt(text, marked) {
        const places = [...text.matchAll(/[\p{L}\p{N}]+/gu)]
            .filter((match) => marked.has(match[0].toLowerCase()));
        let [start, most] = [0, 0];
        for (const { index } of places) {
            const near = places.filter((other) => other.index >= index && other.index < index + 140);
            const count = new Set(near.map((other) => other[0].toLowerCase())).size;
            if (count > most) [start, most] = [index, count];
        }
        start = start < 90 ? 0 : text.indexOf(" ", start - 60) + 1;
        const end = text.length > start + 180 ? text.lastIndexOf(" ", start + 180) : text.length;
        return (start ? "… " : "") + text.slice(start, end) + (end < text.length ? " …" : "");
    }

    /* The page: the root's address is written on it. */
    const root = document.documentElement.dataset.content_root;
    const script = (source) => new Promise((resolve, reject) => {
        const tag = Object.assign(document.createElement("script"), {
            src: `${root}_static/${source}`, onload: resolve, onerror: reject,
        });
        document.head.append(tag);
    });
    let loading;
    const load = () => loading ??= Promise.all(["language_data.js", "book_sections.js"].map(script))
        .then(() => build(window.bookSections));

    async function find(query, limit = SHOWN_IN_ALL) {
        const index = await load();
        const results = ranked(query, index);
        return {
            count: results.length,
            best: results.slice(0, limit).map((result) => {
                const [page, anchor, heading, above, , text] = index.sections[result.section];
                const marked = meant(result, index);
                return { page, anchor, heading, above, marked, text: excerpt(text, marked) };
            }),
        };
    }

    function highlighted(text, marked) {
        return text.split(/([\p{L}\p{N}]+)/u).map((part) => {
            if (!marked.has(part.toLowerCase())) return part;
            return Object.assign(document.createElement("mark"), { textContent: part });
        });
    }

    function option(id, result) {
        const found = encodeURIComponent([...result.marked].slice(0, 8).join(" "));
        const link = Object.assign(document.createElement("a"), {
            id, tabIndex: -1, className: "book-search-option",
            href: `${root}${result.page}.html?found=${found}#${result.anchor}`,
        });
        link.setAttribute("role", "option");
        link.setAttribute("aria-selected", "false");
        for (const part of ["heading", "above", "text"]) {
            if (!result[part]) continue;
            const line = document.createElement("span");
            line.className = `book-search-${part}`;
            line.append(...highlighted(result[part], result.marked));
            link.append(line, " ");
        }
        return link;
    }

    function attach(form, limit) {
        const input = form.querySelector("input");
        const list = Object.assign(document.createElement("div"), {
            id: `book-search-list-${limit}`, className: "book-search-list", hidden: true,
        });
        list.setAttribute("role", "listbox");
        list.setAttribute("aria-label", "Sections found");
        const count = Object.assign(document.createElement("p"), { className: "book-search-count" });
        count.setAttribute("role", "status");
        form.after(count, list);
        input.setAttribute("role", "combobox");
        input.setAttribute("aria-autocomplete", "list");
        input.setAttribute("aria-controls", list.id);
        input.setAttribute("aria-expanded", "false");
        let active = -1;

        function choose(place) {
            list.children[active]?.setAttribute("aria-selected", "false");
            active = place;
            const chosen = list.children[active];
            chosen?.setAttribute("aria-selected", "true");
            chosen?.scrollIntoView({ block: "nearest" });
            if (chosen) input.setAttribute("aria-activedescendant", chosen.id);
            else input.removeAttribute("aria-activedescendant");
        }

        async function show() {
            const query = input.value;
            const { count: all, best } = words(query).length
                ? await find(query, limit) : { count: 0, best: [] };
            if (query !== input.value) return; // typed on meanwhile
            choose(-1);
            list.replaceChildren(...best.map((result, place) => option(`${list.id}-${place}`, result)));
            list.hidden = !best.length;
            input.setAttribute("aria-expanded", String(best.length > 0));
            const more = all > best.length ? `, the best ${best.length} shown` : "";
            count.textContent = words(query).length
                ? `${all || "No"} ${all === 1 ? "section" : "sections"} found${more}.` : "";
        }

        input.addEventListener("focus", load, { once: true });
        input.addEventListener("input", show);
        input.addEventListener("keydown", (event) => {
            const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
            if (step && list.children.length) {
                event.preventDefault();
                // One place more than there are options: back in the box, none chosen.
                const places = list.children.length + 1;
                choose((active + 1 + step + places) % places - 1);
            } else if (event.key === "Enter" && active >= 0 && !event.isComposing) {
                event.preventDefault();
                list.children[active].click();
            }
        });
        return { input, show };
    }

    /* On the page that a result led to: mark its words, in its section only. */
    function markFound() {
        const address = new URL(location);
        const found = address.searchParams.get("found");
        if (found === null) return;
        address.searchParams.delete("found");
        history.replaceState(history.state, "", address);
        const target = document.getElementById(decodeURIComponent(address.hash.slice(1)));
        const section = target?.closest("section, dl");
        // The function of Sphinx's sphinx_highlight.js; Escape takes the marks away again.
        if (section) words(found).forEach((word) => _highlightText(section, word, "highlighted"));
    }

    window.bookSearch = { find };
    document.addEventListener("DOMContentLoaded", () => {
        markFound();
        const dialog = document.querySelector("#pst-search-dialog form.bd-search");
        const page = document.querySelector(".bd-search-container form.bd-search");
        if (dialog) attach(dialog, SHOWN_TYPING);
        if (!page) return;
        const { input, show } = attach(page, SHOWN_IN_ALL);
        input.value = new URLSearchParams(location.search).get("q") ?? "";
        input.focus();
        show();
    });
})();

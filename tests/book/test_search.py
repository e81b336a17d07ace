"""The book's search, in a real browser, with the pages opened as files: people find the section.

Each query of `QUERIES` was written down with the section that a reader would want; it has to be
among the first three. The page's own function answers all of them, some are typed as well.
"""

from __future__ import annotations

import json
import re
import sys

import pytest
from building import REPOSITORY, old_pages

sys.path.insert(0, str(REPOSITORY / "book" / "_ext"))
from kl_search import plain, sections

QUERIES = {
    "why is my KL infinite": "book/diagnoses#diagnoses-infinite",
    "why is my kl divergence inf": "notebooks/07_keras_kl_loss#q-nan-inf",
    "negative KL": "notebooks/07_keras_kl_loss#q-negative",
    "kl loss below zero": "notebooks/07_keras_kl_loss#q-negative",
    "kl nan": "book/triage#triage-nan",
    "keras loss is not a number": "notebooks/07_keras_kl_loss#q-nan-inf",
    "TerminateOnNaN": "book/triage#triage-nan",
    "cross entropy vs KL": "notebooks/02_from_entropy_to_kl#q-cross-entropy",
    "difference between crossentropy and kl in keras": "notebooks/07_keras_kl_loss#q-kl-ce-same",
    "is KL symmetric": "notebooks/02_from_entropy_to_kl#q-asymmetric",
    "is KL a metric": "notebooks/02_from_entropy_to_kl#q-distance",
    "forward vs reverse kl": "notebooks/02_from_entropy_to_kl#q-forward-reverse",
    "which direction should I minimize": "notebooks/11_forward_and_reverse#ch-forward-reverse",
    "mode collapse": (
        "notebooks/11_forward_and_reverse#mass-covering-and-mode-collapse-in-numbers"
    ),
    "js divergence": "notebooks/02_from_entropy_to_kl#q-js",
    "jensen shannon distance square root": "notebooks/12_relatives#relatives-js",
    "pinsker inequality": "notebooks/12_relatives#relatives-pinsker",
    "earth mover distance": "notebooks/12_relatives#relatives-wasserstein",
    "total variation": "notebooks/12_relatives#relatives-tv",
    "batchmean": "notebooks/10_one_number_five_libraries#q-mean-batchmean",
    "scipy entropy returns 0": "notebooks/10_one_number_five_libraries#q-entropy-zero",
    "rel_entr vs kl_div": "notebooks/10_one_number_five_libraries#q-scipy-three",
    "bits or nats": "notebooks/03_cats_and_dogs#bits-or-nats",
    "from_logits": "notebooks/06_mxnet_kldivloss#q-from-logits",
    "swapped arguments keras": "notebooks/07_keras_kl_loss#swapped-arguments",
    "NotImplementedError no KL registered": "notebooks/05_coins_tfp#q-no-kl-registered",
    "p sums to 1.1, expected 1": "book/errors#p-sums-to-expected-1",
    "PSI threshold": "notebooks/17_kl_from_samples#q-psi",
    "data drift": "notebooks/17_kl_from_samples#q-psi",
    "kl from samples": "notebooks/17_kl_from_samples#ch-kl-from-samples",
    "kl between gaussian mixtures": "notebooks/17_kl_from_samples#q-kl-mixtures",
    "rlhf kl penalty": "notebooks/16_trust_region#q-k-penalty",
    "negative kl in ppo": "notebooks/16_trust_region#q-negative-kl-rlhf",
    "temperature squared distillation": "notebooks/13_soft_labels#q-t-squared",
    "softmax applied twice": "notebooks/07_keras_kl_loss#q-softmax-twice",
    "tsne kl_divergence_": "notebooks/17_kl_from_samples#ex-samples-tsne",
    "kernel density estimate kl": "notebooks/17_kl_from_samples#q-kde",
    "sklearn mutual information nats": "notebooks/10_one_number_five_libraries#ex-libraries-mutual",
    "vae posterior collapse": "notebooks/15_vae_elbo#q-posterior-collapse",
    "vae kl sum or mean": "notebooks/15_vae_elbo#q-sum-or-mean-kl",
    "kullbck leibler": "notebooks/02_from_entropy_to_kl#q-what-is-kl",
    "kl_divergence": "book/reference#kl_lib.kl_divergence",
    "install": "book/introduction#running-it-yourself",
}
TYPED = ["why is my KL infinite", "cross entropy vs KL", "negative KL"]
START = "book/speed.html"
FIND = """query => bookSearch.find(query).then(({best}) => best.map(found => ({
    place: `${found.page}#${found.anchor}`, text: found.text, marked: [...found.marked]})))"""


@pytest.fixture(scope="module")
def context(browser):
    opened = browser.new_context()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def one_page(context, site):
    """One page for all queries: the index is read once."""
    page = context.new_page()
    page.goto((site / START).as_uri())
    yield page
    page.close()


@pytest.fixture
def page(context, site):
    """A page that may not fail, just opened."""
    opened = context.new_page()
    errors = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto((site / START).as_uri())
    yield opened
    opened.close()
    assert errors == []


@pytest.fixture(scope="module")
def index(site):
    """The sections as the browser reads them."""
    script = (site / "_static" / "book_sections.js").read_text("utf-8")
    return json.loads(script.removeprefix("window.bookSections = ").rstrip(";\n"))["sections"]


def type_query(page, query):
    page.keyboard.press("Control+k")
    page.keyboard.type(query)
    page.locator(".book-search-option").first.wait_for()


def test_there_are_forty_queries():
    assert len(QUERIES) == 43


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_finds_its_section_among_the_first_three(one_page, query):
    found = [result["place"] for result in one_page.evaluate(FIND, query)]
    assert QUERIES[query] in found[:3], found[:6]


@pytest.mark.parametrize("query", TYPED)
def test_a_typed_query_shows_its_section_among_the_first_three(page, query):
    type_query(page, query)
    page.locator(".book-search-count", has_text="found").first.wait_for()
    shown = page.locator("dialog .book-search-option").evaluate_all(
        "links => links.map(link => link.href)"
    )
    there, anchor = QUERIES[query].split("#")
    assert any(f"{there}.html" in link and link.endswith(f"#{anchor}") for link in shown[:3]), shown


def test_results_appear_before_a_word_is_written_to_its_end(one_page):
    found = [result["place"] for result in one_page.evaluate(FIND, "posterior colla")]
    assert found[0] == QUERIES["vae posterior collapse"]


def test_small_words_alone_are_looked_for_too(one_page):
    assert len(one_page.evaluate(FIND, "what difference")) > 2


def test_what_is_nowhere_in_the_book_is_not_found(page):
    page.keyboard.press("Control+k")
    page.keyboard.type("zxqwv")
    page.locator("dialog .book-search-count", has_text="No sections found.").wait_for()
    assert page.locator("dialog [role=combobox]").get_attribute("aria-expanded") == "false"
    assert not page.locator("dialog [role=listbox]").is_visible()


def test_the_keyboard_alone_opens_a_result(page):
    type_query(page, "negative KL")
    box = page.locator("dialog [role=combobox]")
    assert box.get_attribute("aria-expanded") == "true"
    listed = page.locator(f"#{box.get_attribute('aria-controls')}")
    assert listed.get_attribute("role") == "listbox"
    page.locator("dialog [role=status]", has_text=re.compile(r"^\d+ sections found")).wait_for()
    options = listed.locator("[role=option]")
    for key, chosen in [("ArrowDown", 0), ("ArrowDown", 1), ("ArrowUp", 0), ("ArrowUp", -1)]:
        page.keyboard.press(key)
        selected = [option.get_attribute("aria-selected") for option in options.all()]
        assert selected == [str(place == chosen).lower() for place in range(options.count())]
        active = options.nth(chosen).get_attribute("id") if chosen >= 0 else None
        assert box.get_attribute("aria-activedescendant") == active
        assert box.evaluate("box => box === document.activeElement")
    page.keyboard.press("ArrowDown")
    target = options.first.get_attribute("href").split("#")[1]
    page.keyboard.press("Enter")
    page.wait_for_url(f"**#{target}")


def test_a_result_opens_at_its_section_with_the_words_marked(page):
    type_query(page, "negative KL")
    page.locator("dialog .book-search-option[href$='#q-negative']").click()
    page.wait_for_url("**/07_keras_kl_loss.html#q-negative")  # the words are gone from the address
    marks = page.locator("span.highlighted")
    marks.first.wait_for()
    assert {mark.lower() for mark in marks.all_inner_texts()} == {"negative"}
    inside = page.locator("section:has(> #q-negative) span.highlighted")
    assert inside.count() == marks.count()
    page.wait_for_function(
        "() => { const top = document.getElementById('q-negative').getBoundingClientRect().top;"
        "return scrollY > 1000 && top > -5 && top < innerHeight / 2; }"
    )
    page.keyboard.press("Escape")
    assert marks.count() == 0


def test_the_page_of_results_can_be_linked_to(page, site):
    page.goto(f"{(site / 'search.html').as_uri()}?q=negative+KL")
    page.locator(".book-search-option").first.wait_for()
    links = page.locator(".book-search-option").evaluate_all(
        "links => links.map(link => link.href)"
    )
    assert len(links) > 8
    there, anchor = QUERIES["negative KL"].split("#")
    assert any(f"{there}.html" in link and link.endswith(f"#{anchor}") for link in links[:3])


def test_without_scripts_the_page_of_results_says_where_to_look(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "search.html").as_uri())
    for link in page.locator("noscript a").evaluate_all("links => links.map(link => link.href)"):
        assert link.startswith(site.as_uri()), link
        page.goto(link)
        assert page.locator("article h1").count() == 1
    context.close()


# What is in the index


def test_every_result_leads_to_a_place_that_is_there(index, site):
    ids = {
        page: set(re.findall(r'\bid="([^"]+)"', (site / f"{page}.html").read_text("utf-8")))
        for page in {section[0] for section in index}
    }
    assert [f"{page}#{anchor}" for page, anchor, *_ in index if anchor not in ids[page]] == []
    pages = {path.relative_to(site).with_suffix("").as_posix() for path in site.glob("*/*.html")}
    old = {name.removesuffix(".html") for name in old_pages()}
    assert set(ids) == {page for page in pages if page.startswith(("book/", "notebooks/"))} - old


def test_the_text_of_a_section_is_its_own_and_readable(index):
    assert not [entry for entry in index if re.search(r"\\[a-zA-Z(\[]|¶", entry[2] + entry[5])]
    text = {f"{page}#{anchor}": text for page, anchor, _, _, _, text in index}
    assert "Why is my KL negative?" not in text["notebooks/07_keras_kl_loss#ch-keras-loss"]
    assert "Gibbs’ inequality" in text["notebooks/07_keras_kl_loss#q-negative"]
    assert "Gibbs’ inequality" not in text["notebooks/07_keras_kl_loss#q-nan-inf"]


def test_each_question_of_the_introduction_is_in_the_index(index, site):
    listed = (site / "book" / "introduction.html").read_text("utf-8")
    listed = listed[listed.index("questions-and-where") : listed.index('id="running-it-yourself"')]
    asked = re.findall(
        r'<a class="reference internal" href="[^"]+"><span[^>]*>([^<]+)</span>', listed
    )
    known = {question for entry in index for question in entry[4]}
    assert len(asked) > 40
    assert {question for question in asked if question not in known} <= set()


def test_excerpts_show_the_words(one_page):
    for query in QUERIES:
        for result in one_page.evaluate(FIND, query)[:3]:
            shown = result["text"]
            assert len(shown) < 300
            assert not re.search(r"\\[a-zA-Z(]", shown)


@pytest.mark.parametrize(
    ("tex", "read"),
    [
        (r"\(p\)", "p"),
        (r"\(\operatorname{KL}(p\,\|\,q)\)", "KL(p‖q)"),
        (r"\(q = 0 \le \sigma^2\)", "q = 0 ≤ σ²"),
        (r"\(\frac{1}{2}\)", "…"),
        (r"\(x_i\)", "…"),
        (r"2 \Delta", "2 Δ"),
    ],
)
def test_a_formula_becomes_text(tex, read):
    assert plain(tex) == read


def test_a_page_falls_into_sections():
    html = """<article><section id="a"><span id="id1"></span><h1>A<a class="headerlink">#</a></h1>
        <p>One.</p><div class="cell"><pre>code</pre></div>
        <section id="b"><span id="q-b"></span><h2>B</h2>
        <p>Two <span class="math">\\(p\\)</span>.</p>
        <dl class="py function"><dt id="f">f(x)</dt><dd><p>Three.</p></dd></dl>
        <p id="q-c"><strong>Four.</strong> Five.</p>
        <div class="exercise admonition" id="e"><p class="admonition-title">Six</p>
        <section><p>Seven.</p></section></div></section></section></article>"""
    assert [section.entry() for section in sections("page", html)] == [
        ["page", "a", "A", "", [], "One."],
        ["page", "q-b", "B", "A", [], "Two p."],
        ["page", "f", "f", "A › B", [], "Three."],
        ["page", "q-c", "Four.", "A › B", [], "Four. Five."],
        ["page", "e", "Six", "A › B", [], "Seven."],
    ]


# What a page loads


def test_the_index_is_loaded_when_it_is_needed(browser, site):
    page = browser.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page.goto((site / START).as_uri())
    assert not {"book_sections.js", "language_data.js", "searchtools.js"} & set(asked)
    type_query(page, "entropy")
    assert {"book_sections.js", "language_data.js"} <= set(asked)
    page.close()


def test_no_page_loads_the_search_of_sphinx(site):
    loads = re.compile(r"<script[^>]*(?:searchtools|language_data|searchindex)\.js")
    assert [path for path in site.rglob("*.html") if loads.search(path.read_text("utf-8"))] == []

/* What a link inside the book leads to, shown beside the link: equations, figures, theorems, cited works
   and words of the glossary. `_ext/kl_previews.py` writes them into a script, loaded on first use. */
"use strict";

(() => {
  const root = document.documentElement.dataset.content_root || "./";
  const here = new URL(root, location.href);
  const OPEN_AFTER = 250; // ms: whoever only passes over a link sees nothing
  const CLOSE_AFTER = 200; // time to move into the preview, to read or select
  let loading, box, link, timer;

  function load() {
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL("_static/book_previews.js", here);
      script.onload = () => resolve(window.bookPreviews);
      script.onerror = reject;
      document.head.append(script);
    });
    return loading;
  }

  /* "notebooks/01_entropy.html#ch-entropy" of a link's address, "" for one that leads elsewhere. */
  function place(link) {
    if (!link.hash || !link.href.startsWith(here.href)) return "";
    return decodeURIComponent(link.href.slice(here.href.length).replace(/\?[^#]*/, ""));
  }

  function put(link) {
    const [at] = link.getClientRects();
    const above = at.bottom + box.offsetHeight + 8 > innerHeight && at.top > box.offsetHeight + 8;
    const left = Math.min(at.left, document.documentElement.clientWidth - box.offsetWidth - 8);
    box.style.left = `${Math.max(8, left) + scrollX}px`;
    box.style.top = `${(above ? at.top - box.offsetHeight - 4 : at.bottom + 4) + scrollY}px`;
  }

  async function open(wanted) {
    const shown = (await load())[place(wanted)];
    if (!shown || link === wanted || !wanted.matches(":hover, :focus-visible")) return;
    close();
    box = document.createElement("div");
    box.id = "kl-preview";
    box.setAttribute("role", "tooltip");
    box.innerHTML = shown;
    for (const image of box.querySelectorAll("img")) {
      image.src = new URL(image.getAttribute("src"), here);
      image.loading = "eager";
    }
    box.addEventListener("pointerenter", () => clearTimeout(timer));
    box.addEventListener("pointerleave", closeSoon);
    document.body.append(box);
    link = wanted;
    link.setAttribute("aria-describedby", box.id);
    link.dataset.title = link.title; // the browser would show it as well
    link.removeAttribute("title");
    put(link);
  }

  function close() {
    clearTimeout(timer);
    if (!box) return;
    if (link.dataset.title) link.title = link.dataset.title;
    link.removeAttribute("aria-describedby");
    box.remove();
    box = link = undefined;
  }

  function closeSoon() {
    clearTimeout(timer);
    timer = setTimeout(close, CLOSE_AFTER);
  }

  const linkOf = (event) => event.target.closest?.(".bd-article a.internal[href*='#']");
  document.addEventListener("pointerover", (event) => {
    const wanted = linkOf(event);
    if (!wanted || event.pointerType !== "mouse") return; // a finger follows the link
    clearTimeout(timer);
    if (wanted !== link) timer = setTimeout(open, OPEN_AFTER, wanted);
  });
  document.addEventListener("pointerout", (event) => linkOf(event) && closeSoon());
  document.addEventListener("focusin", (event) => {
    const wanted = linkOf(event);
    if (wanted?.matches(":focus-visible")) open(wanted);
  });
  document.addEventListener("focusout", (event) => linkOf(event) && close());
  addEventListener("keydown", (event) => event.key === "Escape" && close());
  addEventListener("beforeprint", close);
})();

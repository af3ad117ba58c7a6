// When a part of a page renews itself: keep the focus, the opened details and the log where they were.
"use strict";
(() => {
  const kept = {};
  const reach = "a[href], button, summary, pre[tabindex], input, select";
  const log = () => document.querySelector("pre.log");
  const nameOf = (element) =>
    [element.tagName, element.getAttribute("href"), element.form && element.form.getAttribute("action"), element.textContent.length < 80 ? element.textContent.trim() : ""].join(" ");

  function remember(part) {
    const focus = document.activeElement;
    kept.focus = part.contains(focus) ? nameOf(focus) : null;
    kept.place = kept.focus ? [...part.querySelectorAll(reach)].filter((one) => nameOf(one) === kept.focus).indexOf(focus) : 0;
    kept.open = [...part.querySelectorAll("details")].map((one) => one.open);
    const box = log();
    kept.top = box ? box.scrollTop : 0;
    kept.follow = !box || box.scrollTop + box.clientHeight >= box.scrollHeight - 24;
  }

  function restore(part) {
    [...part.querySelectorAll("details")].forEach((one, index) => {
      if (index < kept.open.length) one.open = kept.open[index];
    });
    if (kept.focus) {
      const like = [...part.querySelectorAll(reach)].filter((one) => nameOf(one) === kept.focus);
      if (like.length) like[Math.min(Math.max(kept.place, 0), like.length - 1)].focus({ preventScroll: true });
    }
    const box = log();
    if (box) box.scrollTop = kept.follow ? box.scrollHeight : kept.top;
  }

  // A part in which somebody is filling in a form waits with its renewal.
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.elt.querySelector("details[open] form")) event.preventDefault();
  });
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    kept.id = event.detail.target.id;
    remember(event.detail.target);
  });
  document.body.addEventListener("htmx:afterSwap", () => {
    const part = document.getElementById(kept.id);
    if (part) restore(part);
  });
  const here = document.querySelector(".menu [aria-current]");
  if (here) here.scrollIntoView({ inline: "center", block: "nearest" });
  if (log()) log().scrollTop = log().scrollHeight;
})();

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
// Buttons that copy what stands in another element; what they say changes to tell that it was done.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
  button.textContent = "已复制 Copied";
});
// A form with a large file hands the file in first, as it is, saying how far it has come; then the form follows.
document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-upload]");
  if (!form || form.elements.upload.value) return;
  event.preventDefault();
  const shown = form.querySelector(".progress");
  const [bar, words] = shown.children;
  const button = form.querySelector("button");
  const tell = (text) => (words.textContent = text);
  const mib = (bytes) => (bytes / 1048576).toFixed(1);
  const call = new XMLHttpRequest();
  const failed = (text) => {
    tell(text);
    button.disabled = false;
  };
  call.upload.addEventListener("progress", (told) => {
    bar.value = told.total ? told.loaded / told.total : 0;
    tell(`${mib(told.loaded)} / ${mib(told.total)} MiB`);
  });
  call.addEventListener("load", () => {
    const told = call.response || {};
    if (call.status !== 201) return failed(told.error ? `${told.error.message.zh} ${told.error.message.en}` : `HTTP ${call.status}`);
    form.elements.upload.value = told.upload;
    form.elements.digest.value = told.digest;
    form.submit();
  });
  call.addEventListener("error", () => failed("上传中断，请重试 the upload broke off, try again"));
  shown.hidden = false;
  button.disabled = true;
  call.responseType = "json";
  call.open("POST", form.dataset.upload);
  call.setRequestHeader("Content-Type", "application/octet-stream");
  call.setRequestHeader("X-CSRF-Token", form.elements.csrf.value);
  call.send(form.querySelector("input[type=file]").files[0]);
});

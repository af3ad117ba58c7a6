// xterm.js writes <style> elements and style attributes, which our content security policy forbids. The same
// rules go in by the object model instead, which it allows: a constructed sheet for each, `cssText` for each.
"use strict";
(() => {
  const make = document.createElement.bind(document);
  document.createElement = (name, options) => (name === "style" ? sheet() : make(name, options));

  function sheet() {
    const element = make("template");
    const rules = new CSSStyleSheet();
    let text = "";
    Object.defineProperty(element, "textContent", {
      get: () => text,
      set: (value) => {
        text = String(value);
        rules.replaceSync(text);
      },
    });
    Object.defineProperty(element, "sheet", { get: () => rules });
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, rules];
    const remove = element.remove.bind(element);
    element.remove = () => {
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== rules);
      remove();
    };
    return element;
  }

  const set = Element.prototype.setAttribute;
  Element.prototype.setAttribute = function (name, value) {
    if (name === "style" && this.style) this.style.cssText = value;
    else set.call(this, name, value);
  };
})();

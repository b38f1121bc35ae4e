// Elements without any markup in strings: what comes from data can only become text.
(function (bb) {
  "use strict";

  /** An element with attributes, handlers (onclick: ...) and children; absent children (null, false) are left out. */
  function el(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null || value === undefined || value === false) continue;
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (name === "style") Object.assign(element.style, value);
      else if (["value", "checked", "selected", "disabled", "open"].includes(name)) element[name] = value;
      else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return element;
  }

  function clear(element) {
    element.replaceChildren();
    return element;
  }

  /** Say whether a button is pressed; nothing is touched where that is so already, which costs a browser a layout. */
  function mark(button, pressed) {
    if (button.getAttribute("aria-pressed") !== pressed) button.setAttribute("aria-pressed", pressed);
  }

  /** Say something to a screen reader. */
  function announce(text) {
    const live = document.getElementById("live");
    if (live) live.textContent = text;
  }

  bb.dom = { el, clear, mark, announce };

  const themes = new Map();

  /** The colours of the theme in force, for drawings; read once, for asking makes the browser work out all styles. */
  bb.theme = function () {
    const dark = document.documentElement.dataset.theme === "dark";
    if (!themes.has(dark)) {
      const style = getComputedStyle(document.documentElement);
      const names = ["ink", "soft", "line", "paper", "panel", "accent", "grid", "missing"];
      const colours = names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]);
      themes.set(dark, Object.freeze({ ...Object.fromEntries(colours), dark }));
    }
    return themes.get(dark);
  };
})((window.bloodbank = window.bloodbank || {}));

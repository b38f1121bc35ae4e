// One tooltip for all drawings: made when something is pointed at, of text alone.
(function (bb) {
  "use strict";

  const { el, clear } = bb.dom;

  function show(found, event) {
    const tip = clear(document.getElementById("tip"));
    tip.append(el("strong", {}, found.title));
    for (const [label, value] of found.lines)
      tip.append(el("div", {}, label ? el("span", { class: "tip-label" }, `${label} `) : null, value));
    tip.hidden = false;
    const { innerWidth: width, innerHeight: height } = window;
    const x = event && event.clientX !== undefined ? event.clientX : width / 2;
    const y = event && event.clientY !== undefined ? event.clientY : height / 2;
    const box = tip.getBoundingClientRect();
    const left = x + 16 + box.width > width ? x - 16 - box.width : x + 16;
    tip.style.left = `${Math.max(4, Math.min(left, width - box.width - 4))}px`;
    tip.style.top = `${Math.max(4, Math.min(y + 14, height - box.height - 4))}px`;
  }

  function hide() {
    document.getElementById("tip").hidden = true;
  }

  bb.tooltip = { show, hide };
  window.addEventListener("scroll", hide, { passive: true });
  window.addEventListener("keydown", (event) => event.key === "Escape" && hide());
})((window.bloodbank = window.bloodbank || {}));

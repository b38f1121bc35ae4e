// Puts the page together, and draws it anew when the state changes.
(function (bb) {
  "use strict";

  const { el, clear } = bb.dom;
  const WIDE = 1180; // CSS pixels of the page, from which a second view stands beside the first

  function tools() {
    const dialog = (id, label, fill) =>
      el(
        "button",
        {
          type: "button",
          onclick: () => {
            const box = clear(document.getElementById(id));
            box.append(
              el("button", { type: "button", class: "close", "aria-label": "Close", onclick: () => box.close() }, "×"),
            );
            fill(box);
            box.showModal();
          },
        },
        label,
      );
    const theme = el(
      "select",
      { "aria-label": "Light or dark", onchange: () => bb.state.set({ theme: theme.value }) },
      [
        ["auto", "Theme: as the system"],
        ["light", "Light"],
        ["dark", "Dark"],
      ].map(([value, text]) => el("option", { value, selected: value === bb.state.get().theme }, text)),
    );
    document.getElementById("tools").append(
      dialog("help", "How to read this", (box) => bb.help.render(box)),
      dialog("source", "Sources and citation", (box) => bb.source.render(bb.model.current(), box)),
      el("button", { type: "button", onclick: reset }, "Reset"),
      theme,
    );
  }

  function reset() {
    bb.state.set({ ...bb.state.defaults(), theme: bb.state.get().theme });
  }

  function tabs() {
    const nav = document.getElementById("tabs");
    const made = bb.state.PANELS.map((name) => [
      name,
      el("button", { type: "button", onclick: () => bb.state.set({ panel: name }) }, bb.views[name].title),
    ]);
    const beside = el(
      "select",
      { id: "beside", onchange: () => bb.state.set({ beside: beside.value }) },
      [["none", "nothing"], ...bb.state.PANELS.map((name) => [name, bb.views[name].title])].map(([value, text]) =>
        el("option", { value }, text),
      ),
    );
    nav.append(
      ...made.map(([, button]) => button),
      el("label", { class: "beside", for: "beside" }, "Beside it ", beside),
    );
    return (state) => {
      for (const [name, button] of made) bb.dom.mark(button, String(name === state.panel));
      beside.value = state.beside;
    };
  }

  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function dress(state) {
    const wanted = state.theme === "auto" ? (dark.matches ? "dark" : "light") : state.theme;
    document.documentElement.dataset.theme = wanted;
  }

  function start() {
    tools();
    const updateTabs = tabs();
    const updateSide = bb.choice.build(document.getElementById("side"));
    const panel = bb.frame.make(document.getElementById("frame-panel"), "panel");
    const beside = bb.frame.make(document.getElementById("frame-beside"), "beside");
    const card = document.getElementById("card");

    let turn = 0;

    // Resolved once all is drawn. A second view is drawn in the next frame, so that the first one is not kept waiting.
    async function draw() {
      const mine = ++turn;
      const state = bb.state.get();
      dress(state);
      const two = window.innerWidth >= WIDE && state.beside !== "none" && state.beside !== state.panel;
      document.getElementById("main").classList.toggle("two", two);
      beside.element.hidden = !two;
      for (const frame of two ? [panel, beside] : [panel]) bb.frame.measure(frame);
      const model = bb.model.current();
      bb.tooltip.hide();
      updateTabs(state);
      updateSide(model);
      bb.card.render(model, card);
      bb.frame.draw(panel, state.panel);
      if (two) await new Promise(requestAnimationFrame);
      if (mine !== turn) return; // the state has changed again
      if (two) bb.frame.draw(beside, state.beside);
      document.documentElement.dataset.drawn = String(Number(document.documentElement.dataset.drawn || 0) + 1);
    }

    bb.state.watch(draw);
    dark.addEventListener("change", bb.state.redraw);
    let width = window.innerWidth;
    window.addEventListener("resize", () => {
      if (window.innerWidth === width) return;
      width = window.innerWidth;
      bb.state.redraw();
    });
    const now = () => String(Math.round(performance.now()));
    bb.firstPaint.library = draw()
      .then(() => (document.documentElement.dataset.painted = now()))
      .then(bb.firstPaint.loadLibrary)
      .then(draw)
      .then(() => {
        document.documentElement.dataset.complete = now();
        document.documentElement.dataset.ready = "1";
      });
  }

  document.querySelector("[data-skip]").addEventListener("click", (event) => {
    event.preventDefault(); // the address belongs to the state
    document.getElementById("main").focus();
  });
  start();
})((window.bloodbank = window.bloodbank || {}));

// A frame: one view with its title, controls, drawing, tooltip and exports. The page has two of them.
(function (bb) {
  "use strict";

  const { el, clear } = bb.dom;
  const CONFIG = { displayModeBar: false, responsive: false, scrollZoom: false, doubleClick: "reset", showTips: false };
  const FONT = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', sans-serif";
  // Without "allow" plotly measures every label of an axis, which takes it most of a second for 200 languages.
  const AXIS = { fixedrange: true, ticklabeloverflow: "allow", automargin: false };
  const NARROW = 560;

  /** Fonts and papers that every drawing shares. */
  function dressed(figure, size) {
    const theme = bb.theme();
    const base = {
      width: size.width,
      height: size.height,
      paper_bgcolor: theme.paper,
      plot_bgcolor: theme.paper,
      dragmode: false,
      font: { family: FONT, size: 12, color: theme.ink },
      hovermode: "closest",
      showlegend: false,
      margin: { l: 50, r: 20, t: 20, b: 45 },
    };
    const layout = { ...base, ...figure.layout };
    for (const name of ["xaxis", "yaxis"])
      layout[name] = {
        ...AXIS,
        gridcolor: theme.grid,
        zerolinecolor: theme.soft,
        linecolor: theme.line,
        ...layout[name],
      };
    return { data: figure.data, layout };
  }

  function makeFrame(element, key) {
    const title = el("h2", { class: "frame-title" });
    const exports = el("div", { class: "exports", role: "group", "aria-label": "Export" });
    const about = el("p", { class: "about" });
    const controls = el("div", { class: "controls" });
    const body = el("div", { class: "body" });
    const chart = el("div", { class: "chart", tabindex: "0", role: "img" });
    const overlay = el("canvas", { class: "overlay", "aria-hidden": "true", hidden: true });
    const stack = el("div", { class: "stack" }, chart, overlay);
    const note = el("p", { class: "note" });
    for (const kind of ["SVG", "PNG", "CSV"])
      exports.append(
        el(
          "button",
          {
            type: "button",
            class: "small",
            "aria-label": `Save ${kind}`,
            onclick: () => bb.exporting.save(frame.name, kind.toLowerCase()),
          },
          kind,
        ),
      );
    element.append(el("div", { class: "frame-head" }, title, exports), about, controls, body, stack, note);
    const frame = {
      key,
      element,
      title,
      about,
      controls,
      body,
      chart,
      overlay,
      note,
      name: null,
      width: 0,
      cursor: null,
      drawn: false,
      placed: null,
      parts: [],
    };
    chart.addEventListener("keydown", (event) => bb.keyboard.pressed(event, frame));
    chart.addEventListener("blur", () => moveCursor(frame, null));
    return frame;
  }

  /** Read a frame's width in pixels: once, before anything is written, or the browser lays the page out again and again. */
  function measure(frame) {
    frame.width = Math.max(280, Math.floor(frame.element.clientWidth) - 2);
  }

  function sizeOf(frame, view, model) {
    const { width } = frame;
    const size = { width, narrow: width < NARROW, cursor: frame.cursor };
    const tall = Math.max(380, Math.min(0.78 * width, window.innerHeight - 280));
    size.height = Math.round(view.height ? view.height(model, size) : size.narrow ? Math.max(380, width) : tall);
    return size;
  }

  function listen(frame) {
    if (frame.drawn) return;
    frame.drawn = true;
    const view = () => bb.views[frame.name];
    frame.chart.on("plotly_hover", (event) => {
      const found = view().hover && view().hover(bb.model.current(), event.points[0]);
      if (found) bb.tooltip.show(found, event.event);
    });
    frame.chart.on("plotly_unhover", () => bb.tooltip.hide());
    frame.chart.on("plotly_click", (event) => {
      const found = view().pick && view().pick(bb.model.current(), event.points[0]);
      if (!found) return;
      bb.state.set({ focus: found.language || found.pair[1] });
    });
  }

  // Controls are made when the view changes and brought up to date otherwise, so that they keep the keyboard's focus.
  function prepare(frame, name) {
    if (frame.name === name) return;
    const view = bb.views[name];
    Object.assign(frame, { name, cursor: null });
    frame.element.setAttribute("aria-label", view.title);
    frame.title.textContent = view.title;
    clear(frame.body);
    clear(frame.controls);
    frame.parts = (view.controls || []).map((one) => bb.controls.make(one, frame.key));
    frame.controls.append(...frame.parts.map((part) => part.element));
  }

  function draw(frame, name) {
    prepare(frame, name);
    const model = bb.model.current();
    const view = bb.views[name];
    for (const part of frame.parts) part.update(model);
    frame.element.classList.toggle("words-below", Boolean(view.below));
    const nothing = view.empty ? view.empty(model) : "";
    frame.about.textContent = nothing || (typeof view.about === "function" ? view.about(model) : view.about);
    frame.about.classList.toggle("empty", Boolean(nothing));
    frame.body.hidden = Boolean(nothing) || !view.render;
    frame.chart.hidden =
      Boolean(nothing) || !view.figure || view.onlyExported || Boolean(view.noDrawing && view.noDrawing(model));
    frame.overlay.hidden = frame.chart.hidden || !view.overlay;
    frame.note.textContent = nothing || !view.note ? "" : view.note(model);
    const arranged = nothing || !view.arranged ? null : view.arranged(model);
    const used = [...ALWAYS, ...view.uses].map((one) => model.state[one]);
    const key = JSON.stringify([...used, arranged, surroundings(frame)]);
    if (key === frame.shown) {
      if (!nothing && !frame.overlay.hidden) paintOver(frame, view, model);
      return;
    }
    frame.shown = key;
    if (nothing) return;
    if (view.render) view.render(model, frame.body);
    if (!frame.chart.hidden) drawChart(frame, view, model);
  }

  // What every view depends on. Views say what else they use, and in what order they draw (`arranged`); nothing is
  // drawn anew when none of it has changed.
  const ALWAYS = ["view", "seed", "chosen", "collapse", "feature", "sums"];

  const surroundings = (frame) => [
    frame.name,
    frame.width,
    document.documentElement.dataset.theme,
    Boolean(window.Plotly),
  ];

  function drawChart(frame, view, model) {
    const size = sizeOf(frame, view, model);
    const figure = view.figure(model, size);
    const { data, layout } = dressed(figure, { ...size, height: figure.layout.height || size.height });
    frame.chart.setAttribute("aria-label", figure.alt || view.title);
    if (window.Plotly) {
      if (!frame.drawn) clear(frame.chart);
      Plotly.react(frame.chart, data, layout, CONFIG);
      listen(frame);
    } else bb.firstPaint.draw(frame.chart, { data, layout });
    const scale = window.Plotly ? bb.overlay.drawnScale(frame.chart) : bb.firstPaint.scales({ data, layout });
    frame.placed = { scale, width: layout.width, height: layout.height };
    if (view.overlay) paintOver(frame, view, model);
  }

  // Focus and cursor are painted on top, so that moving them draws nothing anew.
  function paintOver(frame, view, model) {
    bb.overlay.paint(frame.overlay, view.overlay(model, sizeOf(frame, view, model)), frame.placed);
  }

  function moveCursor(frame, cursor) {
    if (frame.cursor === null && cursor === null) return;
    frame.cursor = cursor;
    const view = bb.views[frame.name];
    if (view.overlay && frame.placed) paintOver(frame, view, bb.model.current());
  }

  bb.frame = { make: makeFrame, measure, draw, moveCursor, dressed, CONFIG, FONT };
})((window.bloodbank = window.bloodbank || {}));

// What is drawn as SVG or PNG, and the numbers behind it as CSV.
(function (bb) {
  "use strict";

  /** RFC 4180, with a quote before texts that a spreadsheet would run as a formula. */
  function csv(table) {
    const cell = (value) => {
      if (value === null || value === undefined) return "";
      if (typeof value === "number") return Object.is(value, -0) ? "0" : String(value);
      const text = /^[=+\-@\t\r]/.test(String(value)) ? `'${value}` : String(value);
      return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    return [table.columns.map((column) => column.label), ...table.rows]
      .map((row) => row.map(cell).join(",") + "\n")
      .join("");
  }

  const fileName = (name, kind) => `${bb.model.current().view.bank}-${name}.${kind}`.replace(/[^\w.-]+/g, "_");

  function download(blob, name) {
    const address = URL.createObjectURL(blob);
    const link = bb.dom.el("a", { href: address, download: name });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  /** The drawing with a heading, so that it stands alone. */
  function titled(name, model) {
    const view = bb.views[name];
    const size = { width: 1000, narrow: false, cursor: null, exported: true };
    size.height = view.height ? view.height(model, size) : 760;
    const figure = view.figure(model, size);
    const { data, layout } = bb.frame.dressed(figure, { ...size, height: figure.layout.height || size.height });
    const lines = [`<b>${bb.text.plotly(`${view.title}: ${model.view.bank}`)}</b>`, bb.text.plotly(subtitle(model))];
    const above = 62;
    layout.margin = { ...layout.margin, t: (layout.margin.t ?? 20) + above };
    layout.height += above;
    layout.title = {
      text: lines.join("<br>"),
      x: 0.01,
      xanchor: "left",
      y: 1,
      yanchor: "top",
      yref: "container",
      pad: { t: 14, l: 6 },
      font: { size: 14 },
    };
    return { data, layout };
  }

  function subtitle(model) {
    const { view, state } = model;
    const nSeeds = Object.keys(view.seeds).length; // an imported matrix does not tell
    const mean = nSeeds > 1 ? `mean over ${nSeeds} seeds` : nSeeds ? "one seed" : "seeds not known";
    const seed = state.seed === "mean" ? mean : `seed ${state.seed}`;
    return `protocol ${view.protocol}; metric ${view.metric_label}; ${seed}; ${bb.text.plural(model.nodes.length, model.collapsed ? "group" : "language")}; positive F is a gain`;
  }

  /** The image as a blob. */
  async function image(name, kind) {
    await bb.firstPaint.library;
    const { data, layout } = titled(name, bb.model.current());
    const address = await Plotly.toImage(
      { data, layout, config: bb.frame.CONFIG },
      { format: kind, width: layout.width, height: layout.height, scale: kind === "png" ? 2 : 1 },
    );
    if (kind === "svg")
      return new Blob([decodeURIComponent(address.slice(address.indexOf(",") + 1))], { type: "image/svg+xml" });
    const bytes = Uint8Array.from(atob(address.slice(address.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
    return new Blob([bytes], { type: "image/png" });
  }

  async function save(name, kind) {
    const model = bb.model.current();
    const view = bb.views[name];
    const nothing = view.empty ? view.empty(model) : "";
    const drawing = view.figure && !(view.noDrawing && view.noDrawing(model));
    if (nothing || (kind !== "csv" && !drawing)) {
      bb.dom.announce(nothing || "There is no drawing to save; save the CSV.");
      return;
    }
    const blob =
      kind === "csv" ? new Blob(["﻿", csv(view.rows(model))], { type: "text/csv" }) : await image(name, kind);
    download(blob, fileName(name, kind));
    bb.dom.announce(`Saved ${fileName(name, kind)}`);
  }

  bb.exporting = { save, csv, image, fileName };
})((window.bloodbank = window.bloodbank || {}));

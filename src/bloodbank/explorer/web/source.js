// Citation and provenance: whose work this is, and how the numbers were made.
(function (bb) {
  "use strict";

  const { el } = bb.dom;
  const list = (items) =>
    el(
      "ul",
      {},
      items.map((item) => el("li", {}, item)),
    );

  function bank({ bank: name, lines, settings }) {
    const parts = [el("h4", {}, name), list(lines)];
    if (settings) parts.push(el("details", {}, el("summary", {}, "Settings"), el("pre", { tabindex: "0" }, settings)));
    return parts;
  }

  function features() {
    const { typology, typology_missing: why } = bb.data;
    if (!typology) return [el("p", {}, why || "There are no typological features.")];
    return [list([typology.source, `Licence: ${typology.licence}`, typology.citation, ...typology.notes])];
  }

  /** Fill the panel. */
  function render(model, element) {
    const { citation, provenance, world, version } = bb.data;
    element.append(
      el("h2", { id: "source-title" }, "Sources and citation"),
      el("h3", {}, "Cite"),
      list(citation),
      el("h3", {}, "Where the numbers come from"),
      ...provenance.flatMap(bank),
      el("h3", {}, "Typology"),
      ...features(),
      el("h3", {}, "This page"),
      list([
        `Made by bloodbank ${version}. It holds everything it shows and asks nobody for anything.`,
        `World map: ${world.source}. Projection: ${world.projection}.`,
        "Names, families, scripts and coordinates of languages: Glottolog and CLDR.",
        `Drawings: plotly.js ${window.Plotly ? Plotly.version : ""} (MIT licence).`,
      ]),
    );
  }

  bb.source = { render };
})((window.bloodbank = window.bloodbank || {}));

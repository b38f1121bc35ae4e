// What the comparison of two banks says in sentences, and D and R of both as a table.
(function (bb) {
  "use strict";

  const filled = new WeakMap(); // element -> what it shows: an open table stays open while that is the same

  /** Fill an element; seats: the common languages that are shown, as places in the comparison. */
  function words(seats, element) {
    if (filled.get(element) === String(seats) && element.firstChild) return;
    filled.set(element, String(seats));
    const open = element.querySelector("details")?.open;
    const { a, b, donation, recipience, sentences } = bb.data.comparison;
    const { el } = bb.dom;
    const cells = ({ a: one, b: other, difference, low, high }) =>
      [bb.format.signed(one), bb.format.signed(other), bb.format.signed(difference), bb.format.interval(low, high)].map(
        (text) => el("td", {}, text),
      );
    const head = ["D", "R"].flatMap((one) => [`${one} in a`, `${one} in b`, `Δ${one} = b − a`, `interval of Δ${one}`]);
    const rows = seats.map((seat) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, bb.data.languages[bb.data.comparison.languages[seat]].name),
        cells(donation[seat]),
        cells(recipience[seat]),
      ),
    );
    bb.dom.clear(element).append(
      el(
        "ul",
        { class: "sentences" },
        sentences.map((sentence) => el("li", {}, sentence)),
      ),
      el(
        "details",
        { open },
        el("summary", {}, "D and R of both banks"),
        el(
          "div",
          { class: "wide", tabindex: "0", role: "region", "aria-label": "D and R of both banks" },
          el(
            "table",
            { class: "numbers-table" },
            el("caption", {}, el("span", {}, `a: ${a}; b: ${b}. Sums over the cells that both have.`)),
            el(
              "thead",
              {},
              el(
                "tr",
                {},
                el("th", { scope: "col" }, "Language"),
                head.map((text) => el("th", { scope: "col" }, text)),
              ),
            ),
            el("tbody", {}, rows),
          ),
        ),
      ),
    );
  }

  bb.compareWords = words;
})((window.bloodbank = window.bloodbank || {}));

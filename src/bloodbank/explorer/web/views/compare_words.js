// What the comparison of two banks says in sentences, and D and R of both as a table.
(function (bb) {
  "use strict";

  /** Fill an element; seats: the common languages that are shown, as places in the comparison. */
  function words(seats, element) {
    const { a, b, donation, recipience, sentences } = bb.data.comparison;
    const { el } = bb.dom;
    const cells = ({ a: one, b: other, difference, low, high }) =>
      [bb.format.signed(one), bb.format.signed(other), bb.format.signed(difference), bb.format.interval(low, high)].map(
        (text) => el("td", {}, text),
      );
    const head = ["D in a", "D in b", "difference", "interval", "R in a", "R in b", "difference", "interval"];
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
        {},
        el("summary", {}, "D and R of both banks"),
        el(
          "div",
          { class: "wide" },
          el(
            "table",
            { class: "numbers-table" },
            el("caption", {}, `a: ${a}; b: ${b}. Sums over the cells that both have.`),
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

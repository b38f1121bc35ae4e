// "How to read this": the words of the page in plain language.
(function (bb) {
  "use strict";

  const { el } = bb.dom;

  const WORDS = [
    [
      "Donor, recipient",
      "A small language model of the recipient is trained twice: on its own text alone, and with text of the donor besides. The donor helped if the second one is better.",
    ],
    [
      "F(s→t)",
      "The gain of recipient t from donor s, as a fraction of the score of t's own model: +0.10 is ten percent better. Positive is always a gain, also for metrics of which less is better.",
    ],
    [
      "Donation D, recipience R",
      "D is the sum of what a language gives to all others (its row), R of what it takes from them (its column). They have no unit. With cells missing: the mean of those measured, times the number of others; marked *.",
    ],
    [
      "Blood types",
      "O gives and does not take (D > 0, R < 0); AB+ takes and does not give; A does both; none does neither.",
    ],
    [
      "Intervals, uncertain",
      "How far a number could have moved with other seeds or other test paragraphs. Where the interval holds zero, the cell is pale, in brackets or dotted: whether the donor helps or harms is open.",
    ],
    [
      "Missing",
      "Grey with a cross: not measured, or left out because a model was no better than guessing by frequency (unhealthy). Never a zero.",
    ],
    ["Seed", "One replicate of all models. What differs between seeds is chance."],
  ];
  const MISLEADS = [
    "How many updates each model had, and how often it read the recipient's text, is part of every F: a model with a donor may have had more of the one and less of the other. A run with the control “longer” shows how much it is.",
    "A language whose own model learned little gives little and takes much. Look at how the scores compare with the unigram's before anything is said of languages.",
    "Text that holds another language makes its language look like a donor to that other one. Look at the share of foreign text on the card.",
    "The tokenizer cuts some languages into more pieces than others, which changes how much training the same text is.",
    "A bank speaks of its own corpus and model size. Other text, other sizes may say otherwise.",
    "F explodes where the own score is small. Look at the gain in the metric itself (Δε) beside it.",
    "Raw scores (MRR and the like) are never comparable between banks with different tokenizers; F is, with care.",
  ];
  const KEYS = [
    "Tab walks through all controls; Enter and Space press them.",
    "In the matrix, arrows walk from cell to cell and read it out; Enter takes the donor into focus. In other drawings, arrows walk from language to language.",
    "Escape closes a tooltip or this panel. The table shows all numbers as text.",
  ];

  const list = (items) =>
    el(
      "ul",
      {},
      items.map((item) => el("li", {}, item)),
    );

  /** Fill the panel. */
  function render(element) {
    const { view } = bb.model.current();
    const about = (name) => {
      const { title, about: said, empty } = bb.views[name];
      const model = bb.model.current();
      return el(
        "li",
        {},
        el("b", {}, title),
        ": ",
        typeof said === "function" ? (empty(model) ? empty(model) : said(model)) : said,
      );
    };
    element.append(
      el("h2", { id: "help-title" }, "How to read this"),
      el(
        "dl",
        {},
        WORDS.flatMap(([word, meaning]) => [el("dt", {}, word), el("dd", {}, meaning)]),
      ),
      el("h3", {}, "This bank"),
      list([...view.sentences, view.covers].filter(Boolean)),
      el("h3", {}, "What can mislead"),
      list(MISLEADS),
      el("h3", {}, "The views"),
      el("ul", {}, bb.state.PANELS.map(about)),
      el(
        "p",
        {},
        "Everything is linked: a language chosen in one view is marked in all. The address of the page holds what you see; copy it to share or keep it.",
      ),
      el("h3", {}, "With the keyboard"),
      list(KEYS),
    );
  }

  bb.help = { render };
})((window.bloodbank = window.bloodbank || {}));

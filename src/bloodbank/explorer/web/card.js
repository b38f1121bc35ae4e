// The card of the language in focus: what it gives and takes, from whom most, its corpus, its flags, its typology.
(function (bb) {
  "use strict";

  const { el, clear } = bb.dom;
  const { format } = bb;
  const { known } = bb.scores;
  const TOP = 5;

  const focusButton = (code, ...children) =>
    el("button", { type: "button", class: "link", onclick: () => bb.state.set({ focus: code }) }, ...children);

  function line(label, ...value) {
    return [el("dt", {}, label), el("dd", {}, ...value)];
  }

  function scoreLines(model, i) {
    const one = (label, score) => {
      const interval = known(score.low) ? ` (${format.interval(score.low, score.high)})` : "";
      const place = (x) => format.plain(x, 1); // equals share one, such as 3.5
      const places = known(score.rank_low) ? ` (${place(score.rank_low)} to ${place(score.rank_high)})` : "";
      const rank = known(score.rank) ? `; place ${place(score.rank)}${places}` : "";
      const lacks = score.complete ? "" : known(score.value) ? "; cells are missing" : "; nothing is measured";
      return line(label, el("b", {}, format.signed(score.value)), `${interval}${rank}${lacks}`);
    };
    const over = model.state.sums === "all" ? "" : ", over those chosen";
    return [...one(`Donation D${over}`, model.donation[i]), ...one(`Recipience R${over}`, model.recipience[i])];
  }

  function typeLine(model, i) {
    const { type, place } = model.nodes[i];
    // The replicates are of the sums over all languages.
    const shares = model.mean && model.state.sums === "all" ? model.view.scores[place].type_shares : {};
    const share = type !== null && known(shares[type]) ? `, in ${format.share(shares[type])} of replicates` : "";
    return line("Blood type", el("b", {}, type ?? "none can be given"), share);
  }

  // The strongest partners on one side: a list of languages with F, uncertain ones in brackets.
  function partners(model, title, pairs, otherwise) {
    const item = ([other, s, t]) => {
      const value = model.finetune[s][t];
      const interval =
        model.low && known(model.low[s][t]) ? ` ${format.interval(model.low[s][t], model.high[s][t])}` : "";
      const shown = model.certain(s, t) === false ? `(${format.signed(value)})` : format.signed(value);
      return el(
        "li",
        {},
        focusButton(model.nodes[other].code, model.nodes[other].label),
        ` ${shown}`,
        el("span", { class: "code" }, interval),
      );
    };
    const list = pairs.length ? el("ol", {}, pairs.slice(0, TOP).map(item)) : el("p", { class: "code" }, otherwise);
    return el("div", {}, el("h3", { class: "partners" }, title), list);
  }

  function bothSides(model, i) {
    const others = model.nodes.map((_, j) => j).filter((j) => j !== i);
    const given = others.filter((j) => known(model.finetune[i][j])).map((j) => [j, i, j]);
    const taken = others.filter((j) => known(model.finetune[j][i])).map((j) => [j, j, i]);
    const value = ([, s, t]) => model.finetune[s][t];
    const best = (pairs) => pairs.filter((pair) => value(pair) > 0).sort((a, b) => value(b) - value(a));
    const worst = (pairs) => pairs.filter((pair) => value(pair) < 0).sort((a, b) => value(a) - value(b));
    const nobody = (pairs) => (pairs.length ? "nobody" : "nothing is measured");
    const unsure = [...given, ...taken].some(([, s, t]) => model.certain(s, t) === false);
    return [
      el(
        "div",
        { class: "sides" },
        partners(model, "Gives most to", best(given), nobody(given)),
        partners(model, "Harms most", worst(given), nobody(given)),
        partners(model, "Takes most from", best(taken), nobody(taken)),
        partners(model, "Is harmed most by", worst(taken), nobody(taken)),
      ),
      unsure ? el("p", { class: "code" }, "F with its interval; in brackets where that holds zero: uncertain.") : null,
    ];
  }

  function facts(model, i) {
    const scores = model.view.scores[model.nodes[i].place];
    const unit = model.view.metric_unit ? ` (${model.view.metric_unit})` : "";
    const own = known(scores.monolingual) ? format.plain(scores.monolingual, 4) : "not known";
    const health = scores.health === "unknown" ? "" : `; ${scores.health}`;
    const rows = [...line(`Own ${model.view.metric_label}${unit}`, own + health)];
    for (const [name, value] of Object.entries(scores.facts))
      rows.push(...line(name, typeof value === "string" ? value : format.plain(value, 3)));
    return el("dl", {}, rows);
  }

  // Features stay open, and what is looked for in them stays, from one language to the next.
  const sought = { open: false, text: "" };

  function typology(place) {
    const { typology: known_, typology_missing: why } = bb.data;
    if (!known_) return el("p", { class: "code" }, why || "There are no typological features.");
    const language = bb.data.languages[place];
    const found = known_.features.filter((feature) => feature.of[place] !== null);
    const items = found.map((feature) => {
      const value = feature.values[feature.of[place]];
      return { text: `${feature.name} ${value}`.toLowerCase(), rows: line(feature.name, focusFeature(feature, value)) };
    });
    const list = el(
      "dl",
      {},
      items.flatMap((item) => item.rows),
    );
    const find = () => {
      sought.text = search.value;
      const wanted = sought.text.toLowerCase().trim();
      for (const item of items) for (const row of item.rows) row.hidden = !item.text.includes(wanted);
    };
    const look = { type: "search", placeholder: "Find a feature", "aria-label": "Find a feature" };
    const search = el("input", { ...look, value: sought.text, oninput: find });
    const searchable = found.length > 10;
    if (searchable) find();
    const source = `${known_.source} (${known_.licence})${language.entry ? `, entry ${language.entry}` : ""}; ${language.entry_how}`;
    const details = el(
      "details",
      { open: sought.open, ontoggle: () => (sought.open = details.open) },
      el("summary", {}, `${found.length} of ${bb.text.plural(known_.features.length, "feature")} known`),
      el("p", { class: "code" }, source),
      searchable ? search : null,
      list,
    );
    return details;
  }

  // A value that shows who else has it: the feature becomes the one that colours and groups.
  function focusFeature(feature, value) {
    return el(
      "button",
      {
        type: "button",
        class: "link",
        title: "Colour by this feature",
        onclick: () => bb.state.set({ feature: feature.id, colour: "feature" }),
      },
      value,
    );
  }

  function ofLanguage(model, i) {
    const node = model.nodes[i];
    const scores = model.view.scores[node.place];
    return [
      el(
        "div",
        { class: "card-head" },
        el("h2", { tabindex: "-1" }, node.label),
        el(
          "button",
          {
            type: "button",
            class: "small",
            "aria-label": "Close the card",
            onclick: () => bb.state.set({ focus: null }),
          },
          "×",
        ),
      ),
      el("p", { class: "code" }, [node.code, node.family, node.script].filter(Boolean).join("; ")),
      ...scores.flags.map((flag) => el("p", { class: "warning" }, flag)),
      el("dl", {}, typeLine(model, i), scoreLines(model, i)),
      ...bothSides(model, i),
      el("h3", {}, "Its own model and text"),
      facts(model, i),
      el("h3", {}, "Typology"),
      typology(node.place),
    ];
  }

  function overview(model) {
    const { view, nodes } = model;
    const best = (scores) =>
      nodes
        .map((_, i) => i)
        .filter((i) => known(scores[i].value))
        .sort((a, b) => scores[b].value - scores[a].value);
    const top = (title, scores) => {
      const order = best(scores);
      if (!order.length) return null;
      const item = (i) =>
        el(
          "li",
          {},
          nodes[i].code === null ? nodes[i].label : focusButton(nodes[i].code, nodes[i].label),
          ` ${format.signed(scores[i].value)}`,
        );
      const list = el("ol", {}, order.slice(0, TOP).map(item));
      return el("div", {}, el("h3", { class: "partners" }, title), list);
    };
    const both = [top("Gives most (D)", model.donation), top("Takes most (R)", model.recipience)];
    return [
      el("h2", { tabindex: "-1" }, "Choose a language"),
      el("p", {}, "A click on one, anywhere, shows here what it gives and takes."),
      el("div", { class: "sides" }, both),
      el("h3", {}, "Keep in mind"),
      el(
        "ul",
        { class: "sentences" },
        [...view.sentences, view.covers].filter(Boolean).map((sentence) => el("li", {}, sentence)),
      ),
    ];
  }

  // Nothing is made anew when nothing that it shows has changed: an open list of features stays open.
  const KEYS = ["view", "seed", "chosen", "focus", "collapse", "sums", "feature"];
  let shown = "";

  /** Fill the card for the language in focus, or an overview without one. */
  function render(model, element) {
    const key = JSON.stringify(KEYS.map((name) => (name === "feature" && !model.collapsed ? "" : model.state[name])));
    if (key === shown && element.firstChild) return;
    shown = key;
    const language = model.focus >= 0 && !model.collapsed;
    const within = element.contains(document.activeElement);
    const parts = language ? ofLanguage(model, model.focus) : overview(model);
    clear(element).append(...parts.filter(Boolean));
    if (model.focus < 0 && model.state.focus !== null && !model.collapsed)
      element.prepend(
        el(
          "p",
          { class: "warning" },
          `${bb.lookup.name(model.state.focus)} is in focus, but not among the chosen languages.`,
        ),
      );
    // What was pressed is gone: the keyboard goes on from the head of the new card.
    if (within) element.querySelector("h2").focus({ preventScroll: true });
  }

  bb.card = { render };
})((window.bloodbank = window.bloodbank || {}));

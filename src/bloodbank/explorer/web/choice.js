// The side of the page: which numbers are shown, and of which languages.
(function (bb) {
  "use strict";

  const { el, clear } = bb.dom;
  const all = () => bb.data.languages.map((language) => language.code);
  const chosen = () => bb.state.get().chosen ?? all();
  const choose = (codes) => bb.state.set({ chosen: codes.length === bb.data.languages.length ? null : codes });

  const unique = (values) => [...new Set(values)];
  const fits = (wanted) =>
    bb.data.views.find((view) => Object.entries(wanted).every(([key, value]) => view[key] === value));

  /** Selects of bank, protocol and metric; one that has no choice is a text. */
  function numbers() {
    const part = el("div", { class: "numbers" });
    const update = (model) => {
      clear(part);
      for (const [key, label, write] of [
        ["bank", "Bank", (v) => v.bank],
        ["protocol", "Protocol", (v) => v.protocol],
        ["metric", "Metric", (v) => v.metric_label],
      ])
        part.append(numberChoice(model, key, label, write));
      part.append(seedChoice(model));
    };
    return { element: part, update };
  }

  function numberChoice(model, key, label, write) {
    const values = unique(bb.data.views.map((view) => view[key]));
    const text = (value) => write(bb.data.views.find((view) => view[key] === value));
    if (values.length === 1) return el("p", { class: "control" }, `${label} `, el("b", {}, text(values[0])));
    const select = el(
      "select",
      {
        id: `number-${key}`,
        onchange: () => {
          const { bank, protocol, metric } = model.view;
          const wanted = { bank, protocol, metric, [key]: select.value };
          const found = fits(wanted) || fits({ [key]: select.value });
          bb.state.set({ view: found.key, seed: "mean", low: null, high: null });
          refocus(`number-${key}`);
        },
      },
      values.map((value) => el("option", { value, selected: value === model.view[key] }, text(value))),
    );
    return el("label", { class: "control", for: `number-${key}` }, `${label} `, select);
  }

  // The select was made anew by the drawing that follows: the keyboard's focus goes back to it.
  function refocus(id) {
    requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById(id)?.focus()));
  }

  function seedChoice(model) {
    const seeds = Object.keys(model.view.seeds);
    if (!seeds.length) return el("p", { class: "control" }, "Seeds ", el("b", {}, "not known"));
    const select = el(
      "select",
      {
        id: "number-seed",
        onchange: () => {
          bb.state.set({ seed: select.value });
          refocus("number-seed");
        },
      },
      ["mean", ...seeds].map((seed) =>
        el(
          "option",
          { value: seed, selected: seed === model.state.seed },
          seed === "mean" ? `mean over ${bb.text.plural(seeds.length, "seed")}` : `seed ${seed}`,
        ),
      ),
    );
    return el("label", { class: "control", for: "number-seed" }, "Seed ", select);
  }

  /** The list of languages with a box each, a search, and buttons for many at once. */
  function languages() {
    const boxes = new Map();
    const list = el("ul", { class: "languages" });
    bb.data.languages.forEach((language) => {
      const box = el("input", {
        type: "checkbox",
        id: `choose-${language.code}`,
        "aria-label": `Show ${language.name}`,
        onchange: () => {
          const now = new Set(chosen());
          box.checked ? now.add(language.code) : now.delete(language.code);
          choose(all().filter((code) => now.has(code)));
        },
      });
      const name = el(
        "button",
        {
          type: "button",
          class: "name",
          onclick: () => bb.state.set({ focus: bb.state.get().focus === language.code ? null : language.code }),
        },
        language.name,
        el("span", { class: "code" }, ` ${language.code}`),
      );
      const item = el("li", {}, box, name);
      boxes.set(language.code, { box, item, name, text: `${language.name} ${language.code}`.toLowerCase() });
      list.append(item);
    });
    const search = el("input", {
      type: "search",
      placeholder: "Find a language",
      "aria-label": "Find a language",
      oninput: () => {
        for (const { item, text } of boxes.values()) item.hidden = !text.includes(search.value.toLowerCase().trim());
      },
    });
    const count = el("p", { class: "count" });
    const invert = () => all().filter((code) => !chosen().includes(code));
    const button = (text, codes) =>
      el("button", { type: "button", class: "small", onclick: () => choose(codes()) }, text);
    const buttons = el(
      "div",
      { class: "row" },
      button("All", all),
      button("None", () => []),
      button("Invert", invert),
    );
    return {
      element: el("div", {}, bb.data.languages.length > 12 ? search : null, buttons, count, list),
      update(model) {
        const now = new Set(chosen());
        count.textContent = `${now.size} of ${bb.text.plural(boxes.size, "language")} shown`;
        for (const [code, { box, item, name }] of boxes) {
          box.checked = now.has(code);
          item.classList.toggle("focus", code === model.state.focus);
          bb.dom.mark(name, String(code === model.state.focus));
        }
      },
    };
  }

  /** Choose the languages that share values of a feature. */
  function byFeature() {
    const select = bb.controls.featureSelect("choose-feature", (value) => bb.state.set({ feature: value }));
    const values = el("div", { class: "values", role: "group", "aria-label": "Languages with this value" });
    let shown = "";
    return {
      element: el("div", {}, el("label", { class: "control", for: "choose-feature" }, "Feature ", select), values),
      update(model) {
        select.value = model.state.feature;
        const types = model.view.scores.map((scores) => scores.blood_type);
        const groups = new Map();
        bb.data.languages.forEach((language, place) => {
          const value = bb.lookup.value(model.state.feature, place, types);
          groups.set(value, [...(groups.get(value) || []), language.code]);
        });
        const now = new Set(chosen());
        const key = JSON.stringify([model.state.feature, model.view.key]);
        if (key !== shown) clear(values).append(...valueButtons(groups));
        shown = key;
        [...groups.values()].forEach((codes, i) => {
          const inside = codes.filter((code) => now.has(code)).length;
          bb.dom.mark(values.children[i], inside === codes.length ? "true" : inside ? "mixed" : "false");
        });
      },
    };
  }

  function valueButtons(groups) {
    return [...groups].map(([value, codes]) =>
      el(
        "button",
        {
          type: "button",
          class: "value",
          onclick: () => {
            const now = new Set(bb.state.get().chosen === null ? [] : chosen());
            const whole = codes.every((code) => now.has(code));
            for (const code of codes) whole ? now.delete(code) : now.add(code);
            choose(now.size ? all().filter((code) => now.has(code)) : all());
          },
        },
        `${value === null ? "not known" : value} `,
        el("span", { class: "code" }, String(codes.length)),
      ),
    );
  }

  /** Fill the side; what comes back brings it up to date. */
  function build(element) {
    const parts = [numbers(), languages(), byFeature()];
    const wide = window.matchMedia("(min-width: 60rem)").matches;
    const section = (title, part, open) =>
      el("details", { class: "section", open }, el("summary", {}, title), part.element);
    element.append(
      section("Numbers", parts[0], wide),
      section("Languages", parts[1], wide),
      section("Languages by feature", parts[2], wide),
    );
    return (model) => parts.forEach((part) => part.update(model));
  }

  bb.choice = { build };
})((window.bloodbank = window.bloodbank || {}));

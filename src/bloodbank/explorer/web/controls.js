// The controls of the views. Each shows a key of the state and changes it.
(function (bb) {
  "use strict";

  const { el, clear } = bb.dom;

  const ORDERS = {
    donation: "donation D",
    recipience: "recipience R",
    name: "name",
    family: "family",
    cluster: "likeness (clustered)",
    gives: "what the focus gives",
    takes: "what the focus takes",
    bank: "the bank's order",
  };
  const CHOICES = {
    order: ["Order by", ORDERS],
    colour: ["Colour by", { blood: "blood type", family: "family", script: "script", feature: "chosen feature" }],
    layout: ["Place by", { circle: "circle", similarity: "likeness", world: "world map" }],
    map: ["Near means", { both: "give and take alike", rows: "give alike", columns: "take alike" }],
    sums: ["D and R over", { all: "all languages", chosen: "chosen languages" }],
    objective: ["Returns", { diminishing: "diminishing", sum: "plain sum" }],
    table: ["Rows are", { languages: "languages", pairs: "pairs" }],
  };
  const FLAGS = { outline: "Outline groups of the feature", collapse: "Collapse groups of the feature" };

  function choice(key, id) {
    const [label, options] = CHOICES[key];
    const select = el(
      "select",
      { id, onchange: () => bb.state.set({ [key]: select.value }) },
      Object.entries(options).map(([value, text]) => el("option", { value }, text)),
    );
    return {
      element: el("label", { class: "control", for: id }, `${label} `, select),
      update(model) {
        select.value = model.state[key];
      },
    };
  }

  function flag(key, id) {
    const box = el("input", { type: "checkbox", id, onchange: () => bb.state.set({ [key]: box.checked }) });
    return {
      element: el("label", { class: "control", for: id }, box, ` ${FLAGS[key]}`),
      update(model) {
        box.checked = model.state[key];
      },
    };
  }

  /** A select of all features, those that are always known first. */
  function featureSelect(id, onchange) {
    const select = el("select", { id, class: "feature", onchange: () => onchange(select.value) });
    const option = ([value, text]) => el("option", { value }, text);
    select.append(el("optgroup", { label: "Always known" }, Object.entries(bb.lookup.BUILT_IN).map(option)));
    if (bb.data.typology)
      select.append(
        el(
          "optgroup",
          { label: bb.data.typology.source },
          bb.data.typology.features.map((one) => option([one.id, one.name])),
        ),
      );
    return select;
  }

  function feature(id) {
    const select = featureSelect(id, (value) => bb.state.set({ feature: value }));
    return {
      element: el("label", { class: "control", for: id }, "Feature ", select),
      update(model) {
        select.value = model.state.feature;
      },
    };
  }

  /** A slider with two ends for F; an end at the very edge is open. */
  function range(id) {
    const STEPS = 200;
    const reader = (x) => bb.format.percent(x);
    let limit = 1;
    const toValue = (step) => (step / STEPS) * 2 * limit - limit;
    const toStep = (value, edge) => (value === null ? edge : Math.round(((value + limit) / (2 * limit)) * STEPS));
    const input = (label, changed) =>
      el("input", { type: "range", min: 0, max: STEPS, step: 1, "aria-label": label, oninput: changed });
    const low = input("Lowest F", () => change("low"));
    const high = input("Highest F", () => change("high"));
    const said = el("output", { for: id });
    function change(moved) {
      if (Number(low.value) > Number(high.value))
        (moved === "low" ? low : high).value = (moved === "low" ? high : low).value;
      const ends = [Number(low.value), Number(high.value)];
      bb.state.set({ low: ends[0] === 0 ? null : toValue(ends[0]), high: ends[1] === STEPS ? null : toValue(ends[1]) });
    }
    return {
      element: el(
        "div",
        { class: "control range", role: "group", "aria-label": "Range of F" },
        el("span", {}, "F from "),
        el("span", { class: "double" }, low, high),
        said,
      ),
      update(model) {
        limit = Math.ceil(bb.scores.reach(model.finetune) * 100) / 100;
        low.value = toStep(model.state.low, 0);
        high.value = toStep(model.state.high, STEPS);
        for (const [slider, value, open] of [
          [low, model.state.low, "the lowest"],
          [high, model.state.high, "the highest"],
        ])
          slider.setAttribute("aria-valuetext", value === null ? open : reader(value));
        said.textContent = `${model.state.low === null ? "lowest" : reader(model.state.low)} to ${model.state.high === null ? "highest" : reader(model.state.high)}`;
      },
    };
  }

  function edges(id) {
    const box = el("input", {
      type: "number",
      id,
      min: 0,
      max: 2000,
      step: 1,
      onchange: () => {
        const wanted = Math.round(Number(box.value));
        if (Number.isFinite(wanted)) bb.state.set({ edges: Math.max(0, Math.min(2000, wanted)) });
        box.value = bb.state.get().edges;
      },
    });
    return {
      element: el("label", { class: "control", for: id }, "Edges at most ", box),
      update(model) {
        if (document.activeElement !== box) box.value = model.state.edges;
      },
    };
  }

  const MAKERS = { feature, range, low: range, edges };

  /** A control for a key of the state: its element, and what brings it up to date. */
  function make(key, place) {
    const id = `${place}-${key}`;
    if (key in CHOICES) return choice(key, id);
    if (key in FLAGS) return flag(key, id);
    if (key in MAKERS) return MAKERS[key](id);
    throw new Error(`no control for ${key}`);
  }

  bb.controls = { make, featureSelect, clear };
})((window.bloodbank = window.bloodbank || {}));

// What if: pick donors and recipients, and see the score of the set, and what one donor more or less would change.
(function (bb) {
  "use strict";

  const { el, clear } = bb.dom;
  const { format } = bb;
  const LISTED = 6; // candidates that are named

  const rhoOf = (state) => (state.objective === "sum" ? 1 : state.rho);
  const places = (codes) => codes.map(bb.lookup.place);

  // F of all languages: what is chosen for the other views does not limit what can be picked here.
  function finetuneOf(model) {
    return model.mean ? model.view.finetune : model.view.seeds[model.state.seed];
  }

  function result(model) {
    const { state } = model;
    return bb.whatif.score(finetuneOf(model), places(state.donors), places(state.recipients), rhoOf(state));
  }

  // The controls are made once for each element, so that they keep the keyboard's focus.
  function build(element) {
    const donors = bb.picks("donors", "Donors: to pretrain on");
    const recipients = bb.picks("recipients", "Recipients: that are to gain");
    const rho = el("input", {
      type: "range",
      min: 0,
      max: 1,
      step: 0.05,
      id: "rho",
      oninput: () => bb.state.set({ rho: Number(rho.value) }),
    });
    const said = el("output", { for: "rho" });
    const slider = el(
      "label",
      { class: "control", for: "rho" },
      "ρ ",
      rho,
      said,
      " of the next donor of a recipient counts",
    );
    const found = el("div", { class: "found" });
    element.append(donors.element, recipients.element, slider, found);
    return (model) => {
      donors.update(model.state);
      recipients.update(model.state);
      rho.value = model.state.rho;
      rho.disabled = model.state.objective === "sum";
      said.textContent = ` ${format.share(rhoOf(model.state))}`;
      clear(found).append(...answer(model));
    };
  }

  const updaters = new WeakMap();

  function render(model, element) {
    if (!updaters.has(element) || !element.firstChild) updaters.set(element, build(element));
    updaters.get(element)(model);
  }

  function answer(model) {
    const { state } = model;
    if (!state.recipients.length) return [el("p", {}, "Pick one recipient or more, then donors.")];
    const found = result(model);
    const lines = [
      el(
        "p",
        { class: "score" },
        "Score ",
        el("strong", {}, format.signed(found.score, 3)),
        ` for ${bb.text.plural(state.donors.length, "donor")} and ${bb.text.plural(state.recipients.length, "recipient")}. `,
        "It compares sets; it is no gain in any metric, because F was measured with one donor at a time.",
      ),
    ];
    if (found.unmeasured.length) {
      const named = found.unmeasured
        .slice(0, 8)
        .map(([s, t]) => `${bb.data.languages[s].code}→${bb.data.languages[t].code}`);
      lines.push(
        el(
          "p",
          { class: "warning" },
          `Not measured, so they add nothing: ${named.join(", ")}${found.unmeasured.length > 8 ? ` and ${found.unmeasured.length - 8} more` : ""}.`,
        ),
      );
    }
    const { add, remove } = bb.whatif.changes(
      finetuneOf(model),
      places(state.donors),
      places(state.recipients),
      rhoOf(state),
    );
    if (add.length)
      lines.push(
        el(
          "p",
          {},
          "One donor more would change it by: ",
          ...listed(add.slice(0, LISTED), (code) => ({ donors: [...state.donors, code] })),
        ),
      );
    if (remove.length)
      lines.push(
        el(
          "p",
          {},
          "One donor fewer: ",
          ...listed(remove.slice(0, LISTED), (code) => ({ donors: state.donors.filter((one) => one !== code) })),
        ),
      );
    lines.push(el("p", {}, "The best set, and how sure it is: ", el("code", {}, command(model))));
    return lines;
  }

  function listed(changes, change) {
    return changes.map(([place, amount]) => {
      const language = bb.data.languages[place];
      return el(
        "button",
        { type: "button", class: "small change", onclick: () => bb.state.set(change(language.code)) },
        `${language.name} ${format.signed(amount, 3)}`,
      );
    });
  }

  function command(model) {
    const { state } = model;
    const objective = state.objective === "sum" ? "--objective sum" : `--rho ${state.rho}`;
    return `bloodbank recommend BANK --for ${state.recipients.join(",")} --budget ${Math.max(1, state.donors.length)} ${objective}`;
  }

  // Contributions as bars: one bar a recipient, one colour a donor; beyond the palette, the others share grey.
  function figure(model, size) {
    const { parts } = result(model);
    const theme = bb.theme();
    const { state } = model;
    const recipients = places(state.recipients);
    const data = places(state.donors).map((donor, rank) => {
      const own = recipients.map((t) => parts.find((cell) => cell.donor === donor && cell.recipient === t));
      const colour = rank < bb.colours.CATEGORIES.length ? bb.colours.CATEGORIES[rank] : bb.colours.OTHER;
      return {
        type: "bar",
        orientation: "h",
        name: bb.text.plotly(bb.text.short(bb.data.languages[donor].name, 24)),
        hoverinfo: "none",
        y: recipients.map((_, seat) => seat),
        x: own.map((cell) => (cell ? cell.part : 0)),
        customdata: own.map((cell, k) => [donor, recipients[k]]),
        marker: { color: bb.points.shade(colour, theme), line: { color: theme.paper, width: 1 } },
      };
    });
    return {
      data,
      layout: {
        barmode: "relative",
        bargap: 0.3,
        margin: {
          l: Math.min(150, size.width * 0.3),
          r: 12,
          t: 8,
          b: 46 + 22 * Math.ceil((state.donors.length * 130) / size.width),
        },
        ...bb.points.legendLayout(theme),
        xaxis: { title: { text: "part of the score (weighted F)", standoff: 6 }, zeroline: true },
        yaxis: {
          tickmode: "array",
          tickvals: recipients.map((_, seat) => seat),
          ticktext: recipients.map((t) => bb.text.plotly(bb.text.short(bb.data.languages[t].name, 20))),
          range: [recipients.length - 0.5, -0.5],
          showgrid: false,
          zeroline: false,
        },
      },
      alt: `Parts of the score by recipient and donor; the score is ${format.signed(result(model).score, 3)}.`,
    };
  }

  function hover(model, point) {
    const [donor, recipient] = point.customdata;
    const cell = result(model).parts.find((one) => one.donor === donor && one.recipient === recipient);
    const title = `${bb.data.languages[donor].name} → ${bb.data.languages[recipient].name}`;
    if (!cell) return { title, lines: [["F", "not measured"]] };
    return {
      title,
      lines: [
        ["F", format.signed(cell.finetune, 3)],
        ["weight", format.plain(cell.weight, 3)],
        ["part of the score", format.signed(cell.part, 3)],
      ],
    };
  }

  const KEYS = ["donor", "recipient", "finetune_score", "weight", "part"];

  bb.views = bb.views || {};
  bb.views.whatif = {
    title: "What if",
    about:
      "Pick recipients that are to gain and donors to pretrain on: the score by which “bloodbank recommend” compares sets.",
    uses: ["donors", "recipients", "rho", "objective"],
    controls: ["objective"],
    empty: () => "",
    noDrawing: (model) => !model.state.donors.length || !model.state.recipients.length,
    height: (model) => 120 + 34 * Math.max(1, model.state.recipients.length),
    render,
    figure,
    hover,
    pick: (model, point) => ({ pair: point.customdata.map((place) => bb.data.languages[place].code) }),
    rows: (model) => ({
      columns: KEYS.map((key) => ({ key, label: key })),
      rows: result(model).parts.map((cell) => [
        bb.data.languages[cell.donor].code,
        bb.data.languages[cell.recipient].code,
        cell.finetune,
        cell.weight,
        cell.part,
      ]),
    }),
  };
})((window.bloodbank = window.bloodbank || {}));

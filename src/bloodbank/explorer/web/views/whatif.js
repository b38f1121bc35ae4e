// What if: pick donors and recipients, and see the score of the set, and what one donor more or less would change.
(function (bb) {
  "use strict";

  const { el, clear } = bb.dom;
  const { format } = bb;
  const NAMED = 8; // donors with a colour of their own: as many as the palette has
  const SEPARATE = 16; // donors with bars of their own: hundreds take plotly seconds

  const rhoOf = (state) => (state.objective === "sum" ? 1 : state.rho);
  const places = (codes) => codes.map(bb.lookup.place);
  const language = (place) => bb.data.languages[place];

  // F of all languages: what is chosen for the other views does not limit what can be picked here.
  function finetuneOf(model) {
    return model.mean ? model.view.finetune : model.view.seeds[model.state.seed];
  }

  const picked = (model) => [
    finetuneOf(model),
    places(model.state.donors),
    places(model.state.recipients),
    rhoOf(model.state),
  ];

  const results = new WeakMap(); // by model: each hover asks

  function result(model) {
    if (!results.has(model)) results.set(model, bb.whatif.score(...picked(model)));
    return results.get(model);
  }

  function uncertain(model, { donor, recipient }) {
    const { low, high } = model.view;
    if (!model.mean || !low || !high) return false;
    const ends = [low[donor][recipient], high[donor][recipient]];
    return ends.every(bb.scores.known) && ends[0] <= 0 && ends[1] >= 0;
  }

  // The controls are made once for each element, so that they keep the keyboard's focus.
  function build(element) {
    const donors = bb.picks.toggles("donors", "Donors: to pretrain on");
    const recipients = bb.picks.toggles("recipients", "Recipients: that are to gain");
    const look = { type: "range", min: 0, max: 1, step: 0.05, id: "rho" };
    const rho = el("input", { ...look, oninput: () => bb.state.set({ rho: Number(rho.value) }) });
    const said = el("output", { for: "rho" });
    const slider = el("label", { class: "control", for: "rho" }, "ρ ", rho, said);
    const found = el("div", { class: "found" });
    element.append(donors.element, recipients.element, slider, found);
    return (model) => {
      const share = rhoOf(model.state);
      donors.update(model.state);
      recipients.update(model.state);
      rho.value = share;
      rho.disabled = model.state.objective === "sum";
      said.textContent =
        share === 1
          ? " 1: every donor of a recipient counts in full"
          : ` ${format.plain(share, 2)}: each further donor of a recipient counts ${format.share(share)} of the one before`;
      refill(found, answer(model));
    };
  }

  // A pressed change is gone afterwards: the keyboard goes on at the best change of the same kind, or at the score.
  function refill(found, parts) {
    const group = found.contains(document.activeElement) ? document.activeElement.closest("[data-kind]") : null;
    clear(found).append(...parts);
    if (!group) return;
    const same = found.querySelector(`[data-kind="${group.dataset.kind}"] .change`);
    (same || found.firstChild).focus({ preventScroll: true });
    bb.dom.announce(found.querySelector(".score")?.textContent ?? "");
  }

  const updaters = new WeakMap();

  function render(model, element) {
    if (!updaters.has(element) || !element.firstChild) updaters.set(element, build(element));
    updaters.get(element)(model);
  }

  function answer(model) {
    const { donors, recipients } = model.state;
    if (!recipients.length) return [el("p", {}, "Pick one recipient or more, then donors.")];
    const { add, remove } = bb.whatif.changes(...picked(model));
    return [
      el(
        "p",
        { class: "score", tabindex: "-1" },
        "Score ",
        el("strong", {}, format.signed(result(model).score, 3)),
        ` for ${bb.text.plural(donors.length, "donor")} and ${bb.text.plural(recipients.length, "recipient")}. `,
        "It compares sets; it is no gain in any metric, because F was measured with one donor at a time.",
      ),
      unmeasured(model),
      bb.picks.changes("add", "One donor more would change it by: ", add, (code) => [...donors, code]),
      bb.picks.changes("remove", "One donor fewer: ", remove, (code) => donors.filter((one) => one !== code)),
      el("p", {}, "The best set, and how sure it is: ", el("code", {}, command(model)), aside(model)),
    ].filter(Boolean);
  }

  function unmeasured(model) {
    const missing = result(model).unmeasured;
    if (!missing.length) return null;
    const named = missing.slice(0, 8).map(([s, t]) => `${language(s).code}→${language(t).code}`);
    const more = missing.length > 8 ? ` and ${format.plain(missing.length - 8)} more` : "";
    const seed = model.mean ? "" : " with this seed";
    return el("p", { class: "warning" }, `Not measured${seed}, so they add nothing: ${named.join(", ")}${more}.`);
  }

  function command(model) {
    const { donors, recipients, objective, rho } = model.state;
    const how = objective === "sum" ? "--objective sum" : `--rho ${rho}`;
    const codes = recipients.join(",");
    // A code may be anything in a file that someone has edited, and this line is there to be pasted into a shell.
    const quoted = /^[\w,-]+$/.test(codes) ? codes : `'${codes.replaceAll("'", "'\\''")}'`;
    return `bloodbank recommend BANK --for ${quoted} --budget ${Math.max(1, donors.length)} ${how}`;
  }

  function aside(model) {
    const { bank, metric_label: metric, protocol } = model.view;
    const seed = model.mean ? "" : " It takes the mean over seeds.";
    return ` (BANK: the run folder or bank.json of ${bank}; ${metric}, ${protocol}.${seed})`;
  }

  // One series of bars; beyond SEPARATE donors, those without a colour share two series.
  function trace(model, { donors, cells }, rank, theme) {
    const colour = rank < NAMED ? bb.colours.CATEGORIES[rank] : bb.colours.OTHER;
    const recipients = places(model.state.recipients);
    const donor = donors.length === 1 ? donors[0] : null;
    const shared = donor === null ? bb.text.plural(donors.length, "other donor") : "others";
    return {
      type: "bar",
      orientation: "h",
      name: bb.text.plotly(rank < NAMED ? bb.text.short(language(donor).name, 24) : shared),
      showlegend: false,
      hoverinfo: "none",
      y: recipients.map((_, seat) => seat),
      x: cells.map((cell) => (cell ? cell.part : 0)),
      customdata: recipients.map((recipient, seat) => [donor, recipient, cells[seat]?.n ?? 0]),
      marker: {
        color: bb.points.shade(colour, theme),
        line: { color: theme.paper, width: 1 },
        pattern: {
          shape: cells.map((cell) => (cell && donor !== null && uncertain(model, cell) ? "/" : "")),
          fillmode: "overlay",
          fgcolor: theme.paper,
          fgopacity: 0.75,
          size: 7,
          solidity: 0.3,
        },
      },
    };
  }

  // A mark of its own in the legend: that of the bars would be hatched where the first of them is.
  function legendKey({ name, type, orientation, hoverinfo, marker: { color } }) {
    return { name, type, orientation, hoverinfo, x: [null], y: [null], marker: { color }, showlegend: true };
  }

  // Contributions as bars: one bar a recipient, one colour a donor; beyond the palette, the others share grey.
  function figure(model, size) {
    const theme = bb.theme();
    const [, donors, recipients] = picked(model);
    const keys = Math.min(donors.length, NAMED + 1);
    const bars = bb.whatif.bars(result(model).parts, donors, recipients, donors.length > SEPARATE ? NAMED : SEPARATE);
    const drawn = bars.map((one, rank) => trace(model, one, rank, theme));
    return {
      data: [...drawn.slice(0, NAMED + 1).map(legendKey), ...drawn],
      layout: {
        barmode: "relative",
        bargap: 0.3,
        margin: {
          l: Math.min(150, size.width * 0.3),
          r: 12,
          t: 8,
          b: 46 + 22 * Math.ceil((keys * 130) / size.width),
        },
        ...bb.points.legendLayout(theme),
        xaxis: { title: { text: "part of the score (weighted F)", standoff: 6 }, zeroline: true },
        yaxis: {
          tickmode: "array",
          tickvals: recipients.map((_, seat) => seat),
          ticktext: recipients.map((t) => bb.text.plotly(bb.text.short(language(t).name, 20))),
          range: [recipients.length - 0.5, -0.5],
          showgrid: false,
          zeroline: false,
        },
      },
      alt: `Parts of the score by recipient and donor; the score is ${format.signed(result(model).score, 3)}.`,
    };
  }

  function hover(model, point) {
    const [donor, recipient, n] = point.customdata;
    if (donor === null)
      return {
        title: `${bb.text.plural(n, "other donor")} → ${language(recipient).name}`,
        lines: [["parts of the score, in all", format.signed(point.x, 3)]],
      };
    const cell = result(model).parts.find((one) => one.donor === donor && one.recipient === recipient);
    const title = `${language(donor).name} → ${language(recipient).name}`;
    if (!cell) return { title, lines: [["F", "not measured"]] };
    const lines = [
      ["F", format.signed(cell.finetune, 3)],
      ["weight", format.plain(cell.weight, 3)],
      ["part of the score", format.signed(cell.part, 3)],
    ];
    if (uncertain(model, cell)) lines.splice(1, 0, ["", "uncertain: the interval of F holds zero"]);
    return { title, lines };
  }

  function note(model) {
    const { parts } = result(model);
    const unsure = parts.filter((cell) => uncertain(model, cell)).length;
    if (!unsure) return "";
    return `Hatched: uncertain, the interval of F holds zero (${format.plain(unsure)} of ${bb.text.plural(parts.length, "cell")}).`;
  }

  const KEYS = ["donor", "recipient", "finetune_score", "weight", "part"];

  bb.views = bb.views || {};
  bb.views.whatif = {
    title: "What if",
    about:
      "Pick recipients that are to gain and donors to pretrain on: the score by which “bloodbank recommend” compares sets.",
    note,
    uses: ["donors", "recipients", "rho", "objective"],
    controls: ["objective"],
    empty: () => "",
    noDrawing: (model) => !model.state.donors.length || !model.state.recipients.length,
    height: (model) =>
      120 + (model.state.recipients.length > 30 ? 18 : 34) * Math.max(1, model.state.recipients.length),
    render,
    figure,
    hover,
    pick: (model, point) => ({ language: language(point.customdata[1]).code }),
    rows: (model) => ({
      columns: KEYS.map((key) => ({ key, label: key })),
      rows: result(model).parts.map((cell) => [
        language(cell.donor).code,
        language(cell.recipient).code,
        cell.finetune,
        cell.weight,
        cell.part,
      ]),
    }),
  };
})((window.bloodbank = window.bloodbank || {}));

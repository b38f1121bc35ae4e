// What the state shows, worked out once for all views: nodes (languages or groups of them), F between them, D and R.
(function (bb) {
  "use strict";

  const { known } = bb.scores;
  const UNKNOWN = "not known";

  /** Places of the languages that are shown, in the order of the bank. */
  function chosenPlaces(state) {
    if (state.chosen === null) return bb.data.languages.map((_, place) => place);
    return state.chosen.map(bb.lookup.place).sort((a, b) => a - b);
  }

  // A page of several banks has the languages of all: a bank's sums are over its own.
  const ABSENT = "not in this bank";
  const presentPlaces = (view) =>
    view.scores.map((scores, place) => (scores.health === ABSENT ? -1 : place)).filter((place) => place >= 0);

  // Sums over some languages alone, by place in the data; nothing for the others.
  function sumsOver(finetune, places, sums) {
    const all = finetune.map(() => ({ value: null, mean: null, low: null, high: null, complete: false }));
    sums(bb.scores.part(finetune, places)).forEach((score, i) => (all[places[i]] = score));
    return all;
  }

  /** F, its bounds and D, R of all languages, for the seed (or the mean over seeds) of the state. */
  function measured(state) {
    const view = bb.lookup.view(state.view);
    const mean = state.seed === "mean";
    const finetune = mean ? view.finetune : view.seeds[state.seed];
    const own = (name) => view.scores.map((scores) => scores[name]);
    const there = presentPlaces(view);
    const donation = mean ? own("donation") : sumsOver(finetune, there, bb.scores.donation);
    const recipience = mean ? own("recipience") : sumsOver(finetune, there, bb.scores.recipience);
    const types = mean
      ? own("blood_type")
      : donation.map((score, i) => bb.scores.bloodType(score.value, recipience[i].value, view.protocol));
    const bound = (matrix) => (mean ? matrix : null);
    return {
      view,
      mean,
      finetune,
      donation,
      recipience,
      types,
      low: bound(view.low),
      high: bound(view.high),
      difference: bound(view.difference),
    };
  }

  function languageNode(place, all, feature) {
    const language = bb.data.languages[place];
    return {
      key: language.code,
      label: language.name,
      code: language.code,
      name: language.name,
      members: [place],
      family: language.family,
      script: language.script,
      type: all.types[place],
      value: bb.lookup.value(feature, place, all.types),
      point: language.point,
      place,
    };
  }

  // All members' property where they agree on it, else null.
  const shared = (values) => (new Set(values).size === 1 ? values[0] : null);

  function groupNode(value, members, all) {
    const languages = members.map((place) => bb.data.languages[place]);
    const points = languages.map((language) => language.point).filter(known);
    const middle = (axis) => bb.scores.mean(points.map((point) => point[axis]));
    return {
      key: `group:${value}`,
      label: value === null ? UNKNOWN : value,
      code: null,
      name: value === null ? UNKNOWN : value,
      members,
      family: shared(languages.map((language) => language.family)),
      script: shared(languages.map((language) => language.script)),
      type: shared(members.map((place) => all.types[place])),
      value,
      point: points.length ? [middle(0), middle(1)] : null,
      place: members.length === 1 ? members[0] : -1,
    };
  }

  function groupsOf(places, all, feature) {
    const groups = new Map();
    for (const place of places) {
      const value = bb.lookup.value(feature, place, all.types);
      if (!groups.has(value)) groups.set(value, []);
      groups.get(value).push(place);
    }
    // Largest first; what is not known last.
    const listed = [...groups].sort(
      (a, b) => (a[0] === null) - (b[0] === null) || b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1),
    );
    return listed.map(([value, members]) => groupNode(value, members, all));
  }

  const meanScore = (scores, members) => ({
    value: bb.scores.mean(members.map((place) => scores[place].value)),
    mean: bb.scores.mean(members.map((place) => scores[place].mean)),
    low: null,
    high: null,
    complete: members.every((place) => scores[place].complete),
  });

  function ofGroups(state, all) {
    const places = chosenPlaces(state);
    const nodes = groupsOf(places, all, state.feature);
    const donation = overChosen(state, all.donation, all, places, bb.scores.donation);
    const recipience = overChosen(state, all.recipience, all, places, bb.scores.recipience);
    return {
      collapsed: true,
      nodes,
      finetune: bb.scores.collapse(
        all.finetune,
        nodes.map((node) => node.members),
      ),
      low: null,
      high: null,
      difference: null,
      donation: nodes.map((node) => meanScore(donation, node.members)),
      recipience: nodes.map((node) => meanScore(recipience, node.members)),
    };
  }

  // D or R by place in the data: the bank's own, or over the chosen languages alone.
  function overChosen(state, scores, all, places, sums) {
    if (state.sums === "all") return scores;
    const there = new Set(presentPlaces(all.view));
    return sumsOver(
      all.finetune,
      places.filter((place) => there.has(place)),
      sums,
    );
  }

  function ofLanguages(state, all) {
    const places = chosenPlaces(state);
    const cut = (matrix) => matrix && (places.length === all.finetune.length ? matrix : bb.scores.part(matrix, places));
    const donation = overChosen(state, all.donation, all, places, bb.scores.donation);
    const recipience = overChosen(state, all.recipience, all, places, bb.scores.recipience);
    const types =
      state.sums === "all"
        ? all.types
        : donation.map((score, place) => bb.scores.bloodType(score.value, recipience[place].value, all.view.protocol));
    return {
      collapsed: false,
      nodes: places.map((place) => languageNode(place, { types }, state.feature)),
      finetune: cut(all.finetune),
      low: cut(all.low),
      high: cut(all.high),
      difference: cut(all.difference),
      donation: places.map((place) => donation[place]),
      recipience: places.map((place) => recipience[place]),
    };
  }

  /** What a cell can be asked for. */
  function questions(model, all) {
    const { view, mean, nodes } = model;
    const ends = (i, j) => [nodes[i].place, nodes[j].place];
    const single = (i, j) => !model.collapsed && i !== j;
    return {
      certain(i, j) {
        const low = model.low && model.low[i][j];
        const high = model.high && model.high[i][j];
        return known(low) && known(high) ? low > 0 || high < 0 : null;
      },
      reason(i, j) {
        if (known(model.finetune[i][j])) return "";
        if (!single(i, j)) return model.collapsed ? "no measured pair" : "";
        const [s, t] = ends(i, j);
        if (!mean) return "not measured with this seed";
        return view.reasons[s][t] === null ? "not measured" : view.missing[view.reasons[s][t]];
      },
      health(i, j) {
        if (model.collapsed) return "";
        const [s, t] = ends(i, j);
        return view.states[view.health[s][t]];
      },
      nSeeds(i, j) {
        if (!single(i, j)) return null;
        const [s, t] = ends(i, j);
        return mean ? view.n_seeds[s][t] : known(all.finetune[s][t]) ? 1 : 0;
      },
      seeds(i, j) {
        if (!single(i, j)) return [];
        const [s, t] = ends(i, j);
        return Object.entries(view.seeds).map(([seed, matrix]) => ({ seed, value: matrix[s][t] }));
      },
    };
  }

  function build(state) {
    const all = measured(state);
    const model = {
      ...(state.collapse ? ofGroups(state, all) : ofLanguages(state, all)),
      view: all.view,
      mean: all.mean,
    };
    model.level = all.mean ? all.view.level : null;
    Object.assign(model, questions(model, all));
    return model;
  }

  // Only what these keys change is worked out again; other keys change what is drawn of it.
  const BASE = ["view", "seed", "chosen", "collapse", "feature", "sums"];
  let base = null;
  let baseKey = "";
  let last = null;

  function current() {
    const state = bb.state.get();
    if (last && last.state === state) return last;
    const key = JSON.stringify(BASE.map((name) => state[name]));
    if (key !== baseKey) {
      base = build(state);
      baseKey = key;
    }
    const focus = base.nodes.findIndex(
      (node) => state.focus !== null && node.members.includes(bb.lookup.place(state.focus)),
    );
    last = { ...base, state, focus };
    last.order = bb.orders.of(last, state.order);
    return last;
  }

  bb.model = { current, build, chosenPlaces };
})((window.bloodbank = window.bloodbank || {}));

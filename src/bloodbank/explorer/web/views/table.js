// The numbers as a table: languages or pairs, sorted by any column. What the drawings show, to read, hear and copy.
(function (bb) {
  "use strict";

  const { el } = bb.dom;
  const PAGE = 100; // rows at a time: a browser takes seconds for 40 000

  const kind = (model) => (model.collapsed ? "pairs" : model.state.table);
  let onlyFocus = false;

  const endsOf = (row) => (Array.isArray(row) ? row : [row]);

  function allRows(model) {
    if (kind(model) === "languages") return model.nodes.map((_, i) => i);
    const found = [];
    model.nodes.forEach((_, i) =>
      model.nodes.forEach((__, j) => {
        if (i === j && !model.collapsed) return;
        if (onlyFocus && model.focus >= 0 && i !== model.focus && j !== model.focus) return;
        found.push([i, j]);
      }),
    );
    return found;
  }

  /** Columns, the one that sorts, and the rows in its order. */
  function sorted(model) {
    const columns = bb.tableColumns[kind(model)](model);
    const { sort, descending } = model.state;
    const named = (key) => columns.find((column) => column.key === key);
    const by = named(sort) || named(kind(model) === "languages" ? "donation" : "finetune_score");
    return { columns, by, descending, rows: bb.tableColumns.sorted(allRows(model), by, descending) };
  }

  function header(column, { by, descending }) {
    const here = column.key === by.key;
    const button = el(
      "button",
      {
        type: "button",
        class: "sort",
        id: `sort-${column.key}`,
        onclick: () => bb.state.set({ sort: column.key, descending: here ? !descending : !column.words }),
      },
      column.label,
      el("span", { "aria-hidden": "true" }, here ? (descending ? " ▼" : " ▲") : ""),
    );
    const sorts = here ? (descending ? "descending" : "ascending") : null;
    return el("th", { scope: "col", class: column.words ? "words" : null, "aria-sort": sorts }, button);
  }

  function bodyCell(model, column, row, at) {
    const ends = endsOf(row);
    const text = column.write(column.value(row));
    const look = { class: column.words ? "words" : null };
    if (at >= ends.length) {
      const uncertain = column.key === "finetune_score" && model.certain(...ends) === false;
      return el("td", look, uncertain ? `(${text})` : text);
    }
    const { code } = model.nodes[ends[at]];
    const name =
      code === null
        ? text
        : el("button", { type: "button", class: "link", onclick: () => bb.state.set({ focus: code }) }, text);
    return at === 0 ? el("th", { ...look, scope: "row" }, name) : el("td", look, name);
  }

  function caption(model, n) {
    const what =
      kind(model) === "languages"
        ? "Languages: D gives, R takes (sums of F, no unit), with their intervals and places (1 is the highest)."
        : model.collapsed
          ? "Groups: mean of the measured F from the members of one to those of the other."
          : "Pairs: F, a fraction of the recipient's own score, with its interval; in brackets where that holds zero.";
    return `${what} ${bb.text.plural(n, "row")}.`;
  }

  // What decides which rows stand in which order. A change of focus alone only marks others.
  function keyOf(model) {
    const { view, seed, chosen, collapse, feature, sums, sort, descending, focus } = model.state;
    const rows = [kind(model), sort, descending, onlyFocus && focus];
    return JSON.stringify([view, seed, chosen, sums, collapse && feature, ...rows]);
  }

  // Made once for each element and brought up to date, so that the keyboard's focus and the place scrolled to stay.
  function build(element) {
    const now = { key: "", marked: [], add: () => null };
    const words = el("span", {});
    const box = el("input", {
      type: "checkbox",
      checked: onlyFocus,
      onchange: () => {
        onlyFocus = box.checked;
        update(bb.model.current()); // it is no part of the state, so the frame sees no change
        bb.state.redraw();
      },
    });
    const only = el("label", { class: "control" }, box, words);
    const region = el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Rows" });
    const more = el("button", { type: "button", onclick: () => now.add() });
    element.append(only, region, more);

    function fill(model) {
      const found = sorted(model);
      const used = bb.tableColumns.used(found.columns, found.rows);
      const body = el("tbody", {});
      const heads = used.map((column) => header(column, found));
      const table = el("table", { class: "numbers-table" });
      table.append(
        el("caption", {}, el("span", {}, caption(model, found.rows.length))),
        el("thead", {}, el("tr", {}, heads)),
        body,
      );
      now.marked = [];
      now.add = () => {
        const start = now.marked.length;
        for (const row of found.rows.slice(start, start + PAGE)) {
          const cells = used.map((column, at) => bodyCell(model, column, row, at));
          now.marked.push([el("tr", {}, cells), endsOf(row)]);
        }
        body.append(...now.marked.slice(start).map(([line]) => line));
        mark(bb.model.current(), start);
        const left = found.rows.length - now.marked.length;
        more.hidden = left <= 0;
        more.textContent = `Show ${Math.min(PAGE, left)} more of ${bb.format.plain(found.rows.length)}`;
        if (left <= 0 && start) region.focus();
      };
      now.add();
      const [across, pressed] = [region.scrollLeft, document.activeElement?.id];
      const sorting = region.contains(document.activeElement);
      region.replaceChildren(table);
      Object.assign(region, { scrollTop: 0, scrollLeft: across });
      if (sorting && pressed) document.getElementById(pressed)?.focus({ preventScroll: true });
    }

    function mark(model, start = 0) {
      for (const [line, ends] of now.marked.slice(start)) {
        const focused = model.focus >= 0 && ends.includes(model.focus);
        line.classList.toggle("focus", focused);
        if (focused) line.setAttribute("aria-current", "true");
        else line.removeAttribute("aria-current");
      }
    }

    function update(model) {
      only.hidden = kind(model) !== "pairs" || model.focus < 0;
      words.textContent = model.focus < 0 ? "" : ` Only pairs with ${model.nodes[model.focus].label}`;
      const key = keyOf(model);
      if (key === now.key) mark(model);
      else fill(model);
      now.key = key;
    }
    return update;
  }

  const updates = new WeakMap();

  function render(model, element) {
    if (!updates.has(element) || !element.firstChild) updates.set(element, build(element));
    updates.get(element)(model);
  }

  function figure(model) {
    const { columns, rows } = sorted(model);
    return bb.tableColumns.figure(columns, rows);
  }

  // As the other views save it: languages by their codes, columns by the names that the tables of a bank have.
  function rows(model) {
    const found = sorted(model);
    const key = (row, at) => model.nodes[row[at]].key;
    const cell = (row) => (column, at) =>
      Array.isArray(row) && at < 2 && !model.collapsed ? key(row, at) : column.value(row);
    return {
      columns: found.columns.map((column) => ({ key: column.key, label: column.saved ?? column.key })),
      rows: found.rows.map((row) => found.columns.map(cell(row))),
    };
  }

  bb.views = bb.views || {};
  bb.views.table = {
    title: "Table",
    about: "A click on a column's name sorts by it; a click on a language takes it into focus.",
    uses: ["table", "sort", "descending", "focus"],
    controls: ["table", "sums", "collapse", "feature"],
    empty: (model) => (model.nodes.length ? "" : "No language is chosen. Choose some under Languages."),
    render,
    rows,
    figure,
    onlyExported: true,
  };
})((window.bloodbank = window.bloodbank || {}));

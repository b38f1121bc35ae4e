// The numbers as a table: languages or pairs, sorted by any column. What the drawings show, for eyes, readers and copying.
(function (bb) {
  "use strict";

  const { el, clear } = bb.dom;
  const PAGE = 100; // rows at a time: a browser takes seconds for 40 000

  const DRAWN = 60; // rows of the image
  const DRAWN_COLUMNS = 12;

  const kind = (model) => (model.collapsed ? "pairs" : model.state.table);
  let onlyFocus = false;
  let limit = PAGE;
  let shownKey = "";

  function columnsOf(model) {
    return bb.tableColumns[kind(model)](model);
  }

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

  function sortOf(model, columns) {
    const { sort, descending } = model.state;
    const usual = kind(model) === "languages" ? "donation" : "finetune_score";
    return {
      column:
        columns.find((column) => column.key === (sort || usual)) || columns.find((column) => column.key === usual),
      descending,
    };
  }

  function header(column, sort) {
    const here = column.key === sort.column.key;
    const button = el(
      "button",
      {
        type: "button",
        class: "sort",
        id: `sort-${column.key}`,
        onclick: () => {
          bb.state.set({ sort: column.key, descending: here ? !sort.descending : !column.words });
          requestAnimationFrame(() =>
            requestAnimationFrame(() => document.getElementById(`sort-${column.key}`)?.focus()),
          );
        },
      },
      column.label,
      el("span", { "aria-hidden": "true" }, here ? (sort.descending ? " ▼" : " ▲") : ""),
    );
    return el(
      "th",
      {
        scope: "col",
        class: column.words ? "words" : null,
        "aria-sort": here ? (sort.descending ? "descending" : "ascending") : null,
      },
      button,
    );
  }

  function bodyRow(model, columns, row) {
    const ends = Array.isArray(row) ? row : [row];
    const uncertain = ends.length === 2 && model.certain(...ends) === false;
    const cell = (column, at) => {
      const text = column.write(column.value(row));
      if (at >= ends.length)
        return el(
          "td",
          { class: column.words ? "words" : null },
          column.key === "finetune_score" && uncertain ? `(${text})` : text,
        );
      const node = model.nodes[ends[at]];
      const name =
        node.code === null
          ? text
          : el("button", { type: "button", class: "link", onclick: () => bb.state.set({ focus: node.code }) }, text);
      return at === 0 ? el("th", { scope: "row", class: "words" }, name) : el("td", { class: "words" }, name);
    };
    return el("tr", { class: ends.includes(model.focus) ? "focus" : null }, columns.map(cell));
  }

  function caption(model, n) {
    const what =
      kind(model) === "languages"
        ? "Languages: D gives, R takes (sums of F, no unit), with their intervals and places (1 is the highest)."
        : "Pairs: F, a fraction of the recipient's own score, with its interval; in brackets where that holds zero.";
    return `${what} ${bb.text.plural(n, "row")}.`;
  }

  function render(model, element) {
    const columns = columnsOf(model);
    const sort = sortOf(model, columns);
    const { view, seed, chosen, collapse, feature, table } = model.state;
    const key = JSON.stringify([view, seed, chosen, collapse, feature, table, onlyFocus]);
    if (key !== shownKey) limit = PAGE;
    shownKey = key;
    const rows = bb.tableColumns.sorted(allRows(model), sort.column, sort.descending);
    const used = columns.filter(
      (column, at) => at < 2 || rows.some((row) => bb.scores.known(column.value(row)) && column.value(row) !== ""),
    );
    const body = el(
      "tbody",
      {},
      rows.slice(0, limit).map((row) => bodyRow(model, used, row)),
    );
    const table_ = el(
      "table",
      { class: "numbers-table" },
      el("caption", {}, caption(model, rows.length)),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          used.map((column) => header(column, sort)),
        ),
      ),
      body,
    );
    const more =
      rows.length > limit
        ? el(
            "button",
            {
              type: "button",
              onclick: () => {
                body.append(...rows.slice(limit, limit + PAGE).map((row) => bodyRow(model, used, row)));
                limit += PAGE;
                if (limit >= rows.length) more.remove();
              },
            },
            `Show ${PAGE} more of ${bb.format.plain(rows.length)}`,
          )
        : null;
    const box = el("input", {
      type: "checkbox",
      checked: onlyFocus,
      onchange: () => {
        onlyFocus = box.checked;
        bb.frame.forget();
        bb.state.redraw();
      },
    });
    const only =
      kind(model) === "pairs" && model.focus >= 0
        ? el("label", { class: "control" }, box, ` Only pairs with ${model.nodes[model.focus].label}`)
        : null;
    clear(element).append(
      ...[only, el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Rows" }, table_), more].filter(
        Boolean,
      ),
    );
  }

  // For the image alone: the first rows as plotly draws a table.
  function figure(model) {
    const columns = columnsOf(model);
    const sort = sortOf(model, columns);
    const all = bb.tableColumns.sorted(allRows(model), sort.column, sort.descending);
    const first = all.slice(0, DRAWN);
    const used = columns
      .filter(
        (column, at) => at < 2 || first.some((row) => bb.scores.known(column.value(row)) && column.value(row) !== ""),
      )
      .slice(0, DRAWN_COLUMNS);
    const theme = bb.theme();
    const look = {
      align: used.map((column) => (column.words ? "left" : "right")),
      line: { color: theme.line },
      font: { color: theme.ink, size: 11 },
      height: 22,
    };
    return {
      data: [
        {
          type: "table",
          header: { ...look, values: used.map((column) => bb.text.plotly(column.label)), fill: { color: theme.panel } },
          cells: {
            ...look,
            values: used.map((column) => first.map((row) => bb.text.plotly(column.write(column.value(row))))),
            fill: { color: theme.paper },
          },
        },
      ],
      layout: {
        height: 22 * (first.length + 1) + 60,
        margin: { l: 10, r: 10, t: 8, b: 24 },
        annotations:
          first.length < all.length
            ? [
                {
                  text: `the first ${first.length} of ${bb.text.plural(all.length, "row")}`,
                  x: 0,
                  y: 0,
                  xref: "paper",
                  yref: "paper",
                  yanchor: "top",
                  showarrow: false,
                },
              ]
            : [],
      },
    };
  }

  function rows(model) {
    const columns = columnsOf(model);
    const sort = sortOf(model, columns);
    const codes = (row) => (Array.isArray(row) ? row.map((i) => model.nodes[i].key) : [model.nodes[row].key]);
    return {
      columns: columns.map(({ key }) => ({ key, label: key })),
      rows: bb.tableColumns
        .sorted(allRows(model), sort.column, sort.descending)
        .map((row) =>
          columns.map((column, at) =>
            Array.isArray(row) && at < 2 && !model.collapsed ? codes(row)[at] : column.value(row),
          ),
        ),
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

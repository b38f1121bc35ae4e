// Lists from which donors and recipients are picked, and of what one donor more or fewer would change.
(function (bb) {
  "use strict";

  const { el } = bb.dom;
  const LISTED = 6; // changes that are named at once
  const CODES_FROM = 30; // languages; beyond, buttons have codes, and a search finds them by name

  function toggles(key, title) {
    const many = bb.data.languages.length > CODES_FROM;
    const buttons = bb.data.languages.map((language) =>
      el(
        "button",
        {
          type: "button",
          class: "pick",
          "data-code": language.code,
          title: language.name,
          "aria-label": many ? `${language.code}, ${language.name}` : null,
          onclick: () => {
            const now = bb.state.get()[key];
            bb.state.set({
              [key]: now.includes(language.code)
                ? now.filter((code) => code !== language.code)
                : [...now, language.code],
            });
          },
        },
        many ? language.code : language.name,
      ),
    );
    const search = el("input", {
      type: "search",
      placeholder: "Find",
      "aria-label": `Find among ${title.toLowerCase()}`,
      oninput: () => {
        const wanted = search.value.toLowerCase().trim();
        buttons.forEach(
          (button, i) =>
            (button.hidden = !`${bb.data.languages[i].name} ${bb.data.languages[i].code}`
              .toLowerCase()
              .includes(wanted)),
        );
      },
    });
    const none = el("button", { type: "button", class: "small", onclick: () => bb.state.set({ [key]: [] }) }, "None");
    const box = el(
      "fieldset",
      { class: "picks" },
      el("legend", {}, title),
      many ? search : null,
      none,
      el("div", { class: "pick-list" }, buttons),
    );
    return {
      element: box,
      update(state) {
        for (const button of buttons) bb.dom.mark(button, String(state[key].includes(button.dataset.code)));
      },
    };
  }

  const opened = new Set(); // kinds of which all are shown

  /** Donors with what each would change, the best named, the others on demand; a press makes the change. */
  function changes(kind, title, found, donors) {
    if (!found.length) return null;
    const button = ([place, amount]) =>
      el(
        "button",
        {
          type: "button",
          class: "small change",
          onclick: () => bb.state.set({ donors: donors(bb.data.languages[place].code) }),
        },
        `${bb.data.languages[place].name} ${bb.format.signed(amount, 3)}`,
      );
    const line = el("div", { class: "changes", "data-kind": kind }, title, found.slice(0, LISTED).map(button));
    const rest = found.slice(LISTED);
    if (!rest.length) return line;
    const fill = () => {
      if (!details.open) return opened.delete(kind);
      opened.add(kind);
      if (details.childElementCount === 1) details.append(...rest.map(button));
    };
    const details = el(
      "details",
      { open: opened.has(kind), ontoggle: fill },
      el("summary", {}, `${bb.format.plain(rest.length)} more, the best first`),
    );
    if (details.open) fill();
    line.append(details);
    return line;
  }

  bb.picks = { toggles, changes };
})((window.bloodbank = window.bloodbank || {}));

// Lists from which donors and recipients are picked.
(function (bb) {
  "use strict";

  const { el } = bb.dom;
  const CODES_FROM = 30; // languages; beyond, buttons have codes, and a search finds them by name

  function toggles(key, title) {
    const buttons = bb.data.languages.map((language) =>
      el(
        "button",
        {
          type: "button",
          class: "pick",
          "data-code": language.code,
          title: language.name,
          onclick: () => {
            const now = bb.state.get()[key];
            bb.state.set({
              [key]: now.includes(language.code)
                ? now.filter((code) => code !== language.code)
                : [...now, language.code],
            });
          },
        },
        bb.data.languages.length > CODES_FROM ? language.code : language.name,
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
      bb.data.languages.length > CODES_FROM ? search : null,
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

  bb.picks = toggles;
})((window.bloodbank = window.bloodbank || {}));

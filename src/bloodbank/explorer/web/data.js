// The JSON of the page, parsed once, and look-ups in it. Its form is that of bloodbank.explorer.schema.
(function (bb) {
  "use strict";

  const data = JSON.parse(document.getElementById("bank").textContent);
  const places = new Map(data.languages.map((language, place) => [language.code, place]));
  const views = new Map(data.views.map((view) => [view.key, view]));
  const features = new Map((data.typology ? data.typology.features : []).map((feature) => [feature.id, feature]));

  // What is always known, as features beside those of typology. Blood types depend on the view.
  const BUILT_IN = { "@family": "Family", "@script": "Script", "@blood": "Blood type" };

  bb.data = data;
  bb.lookup = {
    BUILT_IN,
    /** Place of a language in data.languages; undefined where there is none of this code. */
    place: (code) => places.get(code),
    /** Name of a language, or the code itself. */
    name: (code) => (places.has(code) ? data.languages[places.get(code)].name : code),
    view: (key) => views.get(key),
    feature: (id) => features.get(id),
    featureName: (id) => BUILT_IN[id] || (features.has(id) ? features.get(id).name : id),
    /** Category of a language in words, or null where it is not known. Blood types are those of `types`. */
    value(id, place, types) {
      const language = data.languages[place];
      if (id === "@family") return language.family;
      if (id === "@script") return language.script;
      if (id === "@blood") return types[place];
      const feature = features.get(id);
      return feature && feature.of[place] !== null ? feature.values[feature.of[place]] : null;
    },
  };
})((window.bloodbank = window.bloodbank || {}));

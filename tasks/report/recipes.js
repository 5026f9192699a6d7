// Sizes, what is kept and recipes of this film's artifacts: from a script beside the index page, when they are looked at.
semflow.showRecipes = (list) => {
  const say = (words) => {
    const place = document.querySelector(".recipes-missing");
    place.textContent = words;
    place.hidden = false;
  };
  const fill = () => {
    const known = window.semflowRecipes;
    let found = 0;
    for (const one of list) found += describe(one, known);
    if (!found) say("The index page does not know this film: run `semflow run`, and open the page again.");
  };

  function describe(one, known) {
    const path = one.dataset.path;
    const kind = known.artifacts.find((each) => path.startsWith(`${each.folder}/`) && path.endsWith(each.suffix));
    const stem = kind && path.slice(kind.folder.length + 1, path.length - kind.suffix.length);
    const file = kind?.files[stem];
    if (!file) return 0;
    const [md5, bytes] = file;
    const size = bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
    one.querySelector(".stored").textContent = `${kind.kept ? size : `not kept (${size}), computed again when it is read`} · `;
    const recipe = one.querySelector(".recipe");
    const inputs = Object.fromEntries(known.stages[kind.stage].reads.map((folder) => [folder, read(folder)]));
    recipe.querySelector("pre").textContent = JSON.stringify(
      { artifact: path, md5, bytes, stage: kind.stage, inputs, ...known.stages[kind.stage], reads: undefined }, null, 2);
    recipe.hidden = false;
    return 1;

    // MD5 of the input in a folder: of this film, or the one of all films; a raw file has the film's name and any ending.
    function read(folder) {
      const raw = Object.entries(known.raw).find(([name]) => name.replace(/\.[^./]*$/, "") === stem);
      const given = known.artifacts.find((each) => each.folder === folder);
      return given ? (given.files[stem] ?? given.files.dataset)?.[0] ?? null : folder === "data/raw" ? raw?.[1] ?? null : null;
    }
  }

  new IntersectionObserver((seen, observer) => {
    if (!seen.some((each) => each.isIntersecting)) return;
    observer.disconnect();
    if (window.semflowRecipes) return fill();
    const script = document.createElement("script");
    script.onload = fill;
    script.onerror = () => say("Sizes and recipes are in recipes.js beside the index page, which is not here.");
    script.src = "../recipes.js";
    document.body.append(script);
  }, { rootMargin: "200px" }).observe(list[0].parentNode);
};
semflow.showRecipes([...document.querySelectorAll(".artifact")]);

// Puts the layout in the page, and the film's tools and the list of keys in the layout; every other module finds its parts there.
const page = document.getElementById("pc") ? "" : "page/layout.html"; // another page brings its own layout

async function textOf(name) {
  return name && (await fetch(name)).text();
}

const parts = [page, "page/film/tools.html", "page/keys.html"];
const [layout, tools, keys] = await Promise.all(parts.map(textOf));
document.body.insertAdjacentHTML("beforeend", layout);
document.getElementById("pc-film-tools").outerHTML = tools;
document.getElementById("pc-help-dialog").innerHTML = keys;

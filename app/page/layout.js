// Puts the layout in the page, and the film's tools in the layout; every other module finds its parts there.
const page = document.getElementById("pc") ? "" : "page/layout.html"; // another page brings its own layout

async function textOf(name) {
  return name && (await fetch(name)).text();
}

const [layout, tools] = await Promise.all([page, "page/film/tools.html"].map(textOf));
document.body.insertAdjacentHTML("beforeend", layout);
document.getElementById("pc-film-tools").outerHTML = tools;

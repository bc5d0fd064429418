// Puts the layout in the page; every other module finds its parts there.
if (!document.getElementById("pc")) {
  const response = await fetch("page/layout.html");
  document.body.insertAdjacentHTML("beforeend", await response.text());
}

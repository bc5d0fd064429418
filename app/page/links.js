// Links between the pages that Gradio makes and the others.
// Gradio has every link open a window of its own; those to our other pages lead there.
document.addEventListener(
  "click",
  (event) => {
    const link = event.target.closest?.('a[target="_blank"]:not([download])');
    if (link && new URL(link.href).origin === location.origin) link.removeAttribute("target");
  },
  { capture: true },
);

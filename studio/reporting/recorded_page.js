"use strict";
// One still at a time, with the keys of a clicker; without this script all stand below each other.
const stills = Array.from(document.querySelectorAll("figure"));
const place = document.getElementById("place");
let shown = 0;
function show(number) {
  shown = Math.max(0, Math.min(stills.length - 1, number));
  stills.forEach((still, n) => { still.hidden = n !== shown; });
  place.textContent = (shown + 1) + " of " + stills.length;
}
const steps = {
  PageDown: () => shown + 1, ArrowRight: () => shown + 1, " ": () => shown + 1,
  PageUp: () => shown - 1, ArrowLeft: () => shown - 1, Backspace: () => shown - 1,
  Home: () => 0, End: () => stills.length - 1,
};
if (stills.length) {
  document.body.classList.add("stepping");
  document.addEventListener("keydown", (event) => {
    const onControl = event.key === " " && document.activeElement.matches("a, button");
    if (event.ctrlKey || event.altKey || event.metaKey || onControl) return;
    if (event.key === "b" || event.key === ".") document.body.classList.toggle("black");
    else if (steps[event.key]) { event.preventDefault(); show(steps[event.key]()); }
  });
  document.getElementById("back").addEventListener("click", () => show(shown - 1));
  document.getElementById("next").addEventListener("click", () => show(shown + 1));
  show(0);
}

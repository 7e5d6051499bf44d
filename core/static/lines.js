// Cells by keyboard: Enter or Down goes down, Shift+Enter or Up goes up, Escape restores.
document.addEventListener("keydown", (event) => {
  const cell = event.target;
  if (!cell.matches(".quantity input, .cell input")) return;
  if (event.key === "Escape") {
    cell.value = cell.defaultValue;
    cell.select();
    return;
  }
  const arrows = cell.type !== "date"; // a date's arrows change the date
  const up = (arrows && event.key === "ArrowUp") || (event.key === "Enter" && event.shiftKey);
  const down = (arrows && event.key === "ArrowDown") || event.key === "Enter";
  if (!up && !down) return;
  event.preventDefault();
  const all = [...document.querySelectorAll(`.lines input[name="${cell.name}"]`)];
  const next = all[all.indexOf(cell) + (up ? -1 : 1)];
  if (next) {
    next.focus();
    next.select();
  } else {
    cell.blur();
  }
});

// "All" in the head of the list ticks the lines of the page; ticking one line is not ticking everything.
document.addEventListener("change", (event) => {
  if (event.target.id === "tick-page") {
    for (const box of document.querySelectorAll('input[name="line"]')) box.checked = event.target.checked;
  }
});

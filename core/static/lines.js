// Quantities by keyboard: Enter or Down goes down, Shift+Enter or Up goes up, Escape restores.
document.addEventListener("keydown", (event) => {
  if (!event.target.matches('.quantity input[name="confirmed_qty"]')) return;
  if (event.key === "Escape") {
    event.target.value = event.target.defaultValue;
    event.target.select();
    return;
  }
  const up = event.key === "ArrowUp" || (event.key === "Enter" && event.shiftKey);
  if (!up && event.key !== "ArrowDown" && event.key !== "Enter") return;
  event.preventDefault();
  const all = [...document.querySelectorAll('.quantity input[name="confirmed_qty"]')];
  const next = all[all.indexOf(event.target) + (up ? -1 : 1)];
  if (next) {
    next.focus();
    next.select();
  } else {
    event.target.blur();
  }
});

// Tables of a form that grow: a row is made of the table's template, and taken away by its button.

export function rows(root) {
  for (const button of root.querySelectorAll("button[data-adds]")) {
    button.hidden = false;
    const body = document.getElementById(button.dataset.adds);
    let next = body.children.length;
    button.addEventListener("click", () => {
      const { content } = document.getElementById(`${button.dataset.adds}-row`);
      const row = content.firstElementChild.cloneNode(true);
      for (const field of row.querySelectorAll("[name]")) field.name = field.name.replace("NEW", next);
      next += 1;
      body.append(row);
      row.querySelector("input").focus();
    });
  }
  root.addEventListener("click", (event) => {
    event.target.closest?.("button[data-removes]")?.closest("[data-row]").remove();
  });
}

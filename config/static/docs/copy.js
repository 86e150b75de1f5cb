// Shows the copy buttons, which do nothing where scripts don't run, and copies the block of code beside each.
const words = document.body.dataset;
for (const button of document.querySelectorAll("button.copy")) {
  button.textContent = words.copy;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    button.textContent = words.copied;
    setTimeout(() => { button.textContent = words.copy; }, 2000);
  });
}

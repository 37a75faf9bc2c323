// Forms are sent without leaving the page; dialogs open with what their button names.
// A classic script that the head waits for: a module comes after the page, and a press before it would leave the page.
const problemBox = () => document.getElementById("problem");
const token = document.querySelector("meta[name=csrf]").content;

const complain = (text, advice) => {
  const problem = problemBox();
  problem.querySelector("b").textContent = text;
  problem.querySelector("span").textContent = advice;
  problem.hidden = false;
};

const send = async (form, submitter) => {
  const body = new URLSearchParams(new FormData(form, submitter));
  const headers = { "X-CSRF-Token": token, Accept: "application/json" };
  problemBox().hidden = true;
  if (submitter) submitter.disabled = true;
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers });
    if (answer.status === 401) return location.assign("/sign-in");
    if (answer.ok) return done(form);
    const { text, advice } = await answer.json();
    form.closest("dialog")?.close();
    complain(text, advice);
  } catch (error) {
    // The program is gone: live.js says so. Anything else is a fault of ours and belongs into the console.
    if (!(error instanceof TypeError)) throw error;
  } finally {
    if (submitter) submitter.disabled = false;
  }
};

const done = (form) => {
  form.closest("dialog")?.close();
  // A page that does not follow its captions shows the correction when it is loaded anew.
  if (form.closest("dialog") && document.querySelector(".transcript.whole")) location.reload();
};

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-act]")) return;
  event.preventDefault();
  send(form, event.submitter);
});

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.opens);
    for (const name of ["encounter", "utterance"]) {
      const field = dialog.querySelector(`input[name=${name}]`);
      if (field) field.value = opener.dataset[name] ?? "";
    }
    for (const shows of dialog.querySelectorAll("[data-shows=text]")) shows.textContent = opener.dataset.text ?? "";
    dialog.showModal();
  }
  const closer = event.target.closest("[data-closes]");
  if (!closer) return;
  const closed = document.getElementById(closer.dataset.closes);
  if (closed instanceof HTMLDialogElement) closed.close();
  else closed.hidden = true;
});

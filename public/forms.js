// Comforts for every form; the pages work without them. A form that is on its way is not sent twice, and
// a password can be looked at.

for (const form of document.forms) form.addEventListener('submit', sendOnce);
for (const button of document.querySelectorAll('[data-reveal]')) offerReveal(button);

// A page that comes back from the browser's memory may be sent again.
addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  for (const form of document.forms) form.removeAttribute('aria-busy');
});

function sendOnce(event) {
  const form = event.currentTarget;
  if (form.hasAttribute('aria-busy')) {
    event.preventDefault();
    return;
  }
  hidePasswords(form);
  form.setAttribute('aria-busy', 'true');
}

/** A password left readable would be kept by the browser's memory of what was typed into text fields. */
function hidePasswords(form) {
  for (const button of form.querySelectorAll('[data-reveal][aria-pressed="true"]')) button.click();
}

function offerReveal(button) {
  const input = document.getElementById(button.dataset.reveal);
  const words = { show: button.textContent, hide: button.dataset.hide };

  button.addEventListener('click', () => {
    const shown = input.type === 'password';
    input.type = shown ? 'text' : 'password';
    button.setAttribute('aria-pressed', String(shown));
    button.textContent = shown ? words.hide : words.show;
  });
  button.hidden = false;
}

// Nothing on the pages needs this file.

const submitted = new WeakSet();

for (const form of document.querySelectorAll('form[data-once]')) {
  form.addEventListener('submit', (event) => {
    if (submitted.has(form)) return event.preventDefault();
    submitted.add(form);
    event.submitter?.setAttribute('aria-busy', 'true');
  });
}

// A page restored from the back/forward cache keeps its script's state: let its forms be sent again.
addEventListener('pageshow', (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll('form[data-once]')) submitted.delete(form);
  for (const button of document.querySelectorAll('[aria-busy]')) button.removeAttribute('aria-busy');
});

for (const button of document.querySelectorAll('button[data-reveal]')) {
  const input = document.getElementById(button.dataset.reveal);
  button.hidden = false;
  button.addEventListener('click', () => {
    const reveal = input.type === 'password';
    input.type = reveal ? 'text' : 'password';
    button.firstElementChild.textContent = reveal ? 'Hide' : 'Show';
    input.focus();
  });
  // A browser that remembers form values must not remember a revealed password.
  input.form.addEventListener('submit', () => {
    input.type = 'password';
  });
}

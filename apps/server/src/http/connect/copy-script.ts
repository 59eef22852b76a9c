/** Copies what stands in a field, for those who press its button, and says so. Without it the fields can be selected by hand. */
export const COPY_SCRIPT = `(() => {
  'use strict';
  for (const button of document.querySelectorAll('[data-copy]')) {
    const field = document.getElementById(button.dataset.copy);
    const name = button.getAttribute('aria-label');
    const words = button.textContent;
    const status = document.createElement('span');
    status.className = 'unseen';
    status.setAttribute('role', 'status');
    button.after(status);
    const say = (text) => {
      button.textContent = text;
      status.textContent = text + ': ' + name;
      setTimeout(() => { button.textContent = words; status.textContent = ''; }, 2000);
    };
    button.hidden = false;
    button.addEventListener('click', async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
        say('Copied');
      } catch {
        say('Press Ctrl+C');
      }
    });
  }
})();
`;

/** Copies what stands in a field, for those who press its button. Without it the fields can be selected and copied by hand. */
export const COPY_SCRIPT = `(() => {
  'use strict';
  for (const button of document.querySelectorAll('[data-copy]')) {
    const field = document.getElementById(button.dataset.copy);
    const words = button.textContent;
    const say = (text) => {
      button.textContent = text;
      setTimeout(() => { button.textContent = words; }, 2000);
    };
    button.hidden = false;
    button.addEventListener('click', async () => {
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
        say('Copied');
      } catch {
        say(document.execCommand('copy') ? 'Copied' : 'Press Ctrl+C');
      }
    });
  }
})();
`;

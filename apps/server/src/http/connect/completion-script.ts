/**
 * Tells the page that opened the popup how it went, at its exact origin, and closes the popup once the person is done.
 * Everything it says stands in the page's attributes; without it the page says the same in words.
 */
export const COMPLETION_SCRIPT = `(() => {
  'use strict';
  const outcome = document.querySelector('[data-connect-message]');
  if (outcome && window.opener) {
    window.opener.postMessage(JSON.parse(outcome.dataset.connectMessage), outcome.dataset.openerOrigin);
  }
  for (const button of document.querySelectorAll('[data-close-window]')) {
    button.hidden = false;
    button.addEventListener('click', () => window.close());
  }
  if (outcome && outcome.dataset.close === 'yes') window.close();
})();
`;

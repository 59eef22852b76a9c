/** How long a button says that it copied, in milliseconds: time to look up from the keyboard. */
const CONFIRMATION_MILLIS = 2000;

const timers = new WeakMap<HTMLButtonElement, ReturnType<typeof setTimeout>>();

/**
 * Shows the copy buttons and lets them copy the code beside them. The outcome is said by the button and, for people
 * who can't see it, by the page's live region (`[data-announcer]`). Where writing is refused (no permission, or a page
 * that is not a secure context), the code is selected instead, ready for the keyboard.
 */
export function enableCopyButtons(root: Document, writeText: (text: string) => Promise<void>): void {
  for (const button of root.querySelectorAll<HTMLButtonElement>('[data-copy]')) {
    const code = button.closest('figure')?.querySelector('code');
    if (!code) continue;
    button.hidden = false;
    button.addEventListener('click', () => void copy(button, code, writeText));
  }
}

async function copy(
  button: HTMLButtonElement,
  code: HTMLElement,
  writeText: (text: string) => Promise<void>,
): Promise<void> {
  try {
    await writeText(code.textContent ?? '');
    report(button, 'Copied', 'copied');
  } catch {
    code.ownerDocument.getSelection()?.selectAllChildren(code);
    report(button, 'Selected: press Ctrl+C or ⌘C', 'selected');
  }
}

function report(button: HTMLButtonElement, message: string, state: 'copied' | 'selected'): void {
  const text = button.querySelector('[data-copy-text]');
  const announcer = button.ownerDocument.querySelector('[data-announcer]');
  if (text) text.textContent = message;
  if (announcer) announcer.textContent = message;
  button.dataset.state = state;
  clearTimeout(timers.get(button));
  const timer = setTimeout(() => {
    if (text) text.textContent = 'Copy';
    if (announcer) announcer.textContent = '';
    delete button.dataset.state;
  }, CONFIRMATION_MILLIS);
  timers.set(button, timer);
}

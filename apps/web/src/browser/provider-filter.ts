/**
 * Shows the search field of the catalogue and lets it narrow the list: a card stays when each typed word is somewhere in
 * its text. A category without a card left goes too, and the count is announced. What is typed stays in the page's
 * address (`?q=`), so that a search can be shared and survives going back.
 */
export function enableProviderFilter(root: Document): void {
  const form = root.querySelector<HTMLFormElement>('[data-provider-filter]');
  const field = form?.querySelector<HTMLInputElement>('input');
  const view = root.defaultView;
  if (!form || !field || !view) return;

  form.hidden = false;
  field.value = new URL(view.location.href).searchParams.get('q') ?? '';
  narrow(root, field.value);

  form.addEventListener('submit', (event) => event.preventDefault());
  field.addEventListener('input', () => {
    narrow(root, field.value);
    const address = new URL(view.location.href);
    if (field.value === '') address.searchParams.delete('q');
    else address.searchParams.set('q', field.value);
    view.history.replaceState(null, '', address);
  });
}

function narrow(root: Document, query: string): void {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const category of root.querySelectorAll<HTMLElement>('[data-category]')) {
    let shownHere = 0;
    for (const card of category.querySelectorAll<HTMLElement>('[data-provider]')) {
      const text = `${card.dataset.provider} ${category.dataset.category} ${card.textContent}`.toLowerCase();
      card.hidden = !words.every((word) => text.includes(word));
      if (!card.hidden) shownHere += 1;
    }
    category.hidden = shownHere === 0;
    shown += shownHere;
  }
  const count = root.querySelector('[data-filter-count]');
  if (count) count.textContent = words.length === 0 ? '' : countInWords(shown);
}

function countInWords(shown: number): string {
  if (shown === 0) return 'No provider matches. Try a shorter word.';
  return shown === 1 ? '1 provider matches.' : `${shown} providers match.`;
}

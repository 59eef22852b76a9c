import type { ReactNode } from 'react';

/** The search field above the catalogue, hidden until `provider-filter.ts` makes it work: the list is whole without. */
export function ProviderSearch(): ReactNode {
  return (
    <search>
      <form className="filter" data-provider-filter="" hidden>
        <label className="visually-hidden" htmlFor="provider-filter">
          Search providers
        </label>
        <svg className="filter-icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
          <path d="M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9M10.25 10.25l3.5 3.5" />
        </svg>
        <input
          id="provider-filter"
          type="search"
          placeholder="Name, category or auth model"
          autoComplete="off"
          spellCheck={false}
        />
        <p className="filter-count" role="status" data-filter-count="" />
      </form>
    </search>
  );
}

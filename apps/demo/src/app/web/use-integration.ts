import { useCallback, useEffect, useState } from 'react';
import type { IntegrationView } from '../integration-view.js';
import { fetchIntegration, type RequestError } from './requests.js';

/** How soon a change that nobody clicked for, such as a revocation at Okta, is on the screen. */
const LOOK_INTERVAL_MILLIS = 3_000;

export interface Integration {
  readonly view: IntegrationView | null;
  readonly error: RequestError | null;
  readonly reload: () => Promise<void>;
}

/** The integration as the backend sees it, looked at again and again while the page is visible. */
export function useIntegration(): Integration {
  const [view, setView] = useState<IntegrationView | null>(null);
  const [error, setError] = useState<RequestError | null>(null);

  const reload = useCallback(async () => {
    try {
      setView(await fetchIntegration());
      setError(null);
    } catch (failure) {
      setError(failure as RequestError);
    }
  }, []);

  useEffect(() => {
    void reload();
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void reload();
    }, LOOK_INTERVAL_MILLIS);
    return () => clearInterval(timer);
  }, [reload]);

  return { view, error, reload };
}

import { type AuthMethod, fillUrl, type Probe } from '@authpipe/providers';
import type { ProbedEndpoint } from './oauth.js';

/** Where a method's tokens come from; null where nothing fixed is known. */
const serverOf = (method: AuthMethod): Parameters<typeof fillUrl>[0] | null => {
  if (method.kind !== 'oauth2' && method.kind !== 'client_credentials') return null;
  const { endpoints } = method;
  return endpoints.source === 'fixed' ? endpoints.token : endpoints.issuer;
};

/**
 * The endpoint that a probe asks, as providers' limits count: an API by its host and path, the others by their kind at the
 * server's host. @throws MissingConfigError
 */
export const probedEndpoint = (
  probe: Probe,
  { method, config }: { readonly method: AuthMethod; readonly config: Readonly<Record<string, string>> },
  allowLoopback: boolean,
): ProbedEndpoint => {
  if (probe.kind === 'request') {
    const { origin, pathname } = new URL(fillUrl(probe.url, config, { allowLoopback }));
    return { origin, name: `GET ${pathname}` };
  }
  const server = serverOf(method);
  const origin = server === null ? '' : new URL(fillUrl(server, config, { allowLoopback })).origin;
  return { origin, name: probe.kind };
};

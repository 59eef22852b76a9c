/** What the org has been asked since it started or was last reset. Faulted requests count too. */
export interface OrgCounters {
  authorizeRequests: number;
  tokenRequests: number;
  /** Token requests with `grant_type=authorization_code`. */
  codeExchanges: number;
  /** Token requests with `grant_type=refresh_token`. */
  refreshRequests: number;
  introspections: number;
  revocations: number;
  userinfoRequests: number;
  /** Calls under `/api/v1`. */
  apiCalls: number;
  /** Times a refresh token was used again after its grace, so that its whole family was revoked. */
  familyRevocations: number;
  /** Requests that met a fault set by `failNext`. */
  faultsServed: number;
}

export function zeroCounters(): OrgCounters {
  return {
    authorizeRequests: 0,
    tokenRequests: 0,
    codeExchanges: 0,
    refreshRequests: 0,
    introspections: 0,
    revocations: 0,
    userinfoRequests: 0,
    apiCalls: 0,
    familyRevocations: 0,
    faultsServed: 0,
  };
}

const BY_PATH: Readonly<Record<string, keyof OrgCounters>> = {
  '/oauth2/v1/authorize': 'authorizeRequests',
  '/oauth2/v1/token': 'tokenRequests',
  '/oauth2/v1/introspect': 'introspections',
  '/oauth2/v1/revoke': 'revocations',
  '/oauth2/v1/userinfo': 'userinfoRequests',
};

/** Counts one request by its path and, for the token endpoint, by its grant type. */
export function countRequest(counters: OrgCounters, path: string, form: URLSearchParams | undefined): void {
  const counter = path.startsWith('/api/v1/') ? 'apiCalls' : BY_PATH[path];
  if (counter) counters[counter] += 1;
  if (counter !== 'tokenRequests') return;
  const grantType = form?.get('grant_type');
  if (grantType === 'authorization_code') counters.codeExchanges += 1;
  if (grantType === 'refresh_token') counters.refreshRequests += 1;
}

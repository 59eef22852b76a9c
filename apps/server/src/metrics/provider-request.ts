/** What a provider was asked for. `probe` and `preflight` may be several requests. */
export type ProviderOperation =
  | 'code_exchange'
  | 'refresh'
  | 'client_credentials'
  | 'introspection'
  | 'revocation'
  | 'preflight'
  | 'probe';

/** One thing that a provider was asked for, and how it went. */
export interface ProviderRequest {
  readonly provider: string;
  readonly operation: ProviderOperation;
  /** `ok`, the reason of what went wrong (`revoked`, `provider_down`, …), or `not_sent`. */
  readonly result: string;
  /** By the monotonic clock; of what was `not_sent` it counts nothing. */
  readonly seconds: number;
}

export type ObserveProviderRequest = (request: ProviderRequest) => void;

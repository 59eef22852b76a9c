import type { Credential } from '@authpipe/types';
import type { OktaPerson } from './integration-view.js';

const TIMEOUT_MILLIS = 10_000;

/** Okta refused the call, or did not answer. */
export class OktaCallError extends Error {
  override readonly name = 'OktaCallError';

  constructor(
    message: string,
    /** Okta's HTTP status; `null` when there was no answer. */
    readonly status: number | null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * Calls the customer's Okta org with a credential that Authpipe keeps fresh.
 * @throws OktaCallError with Okta's own words.
 * @see https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/#tag/User/operation/listUsers
 */
export async function listOktaPeople({ credential, baseUrl }: Credential): Promise<OktaPerson[]> {
  const response = await fetch(`${baseUrl}/api/v1/users?limit=10`, {
    headers: { Authorization: `Bearer ${credential}`, Accept: 'application/json' },
    signal: AbortSignal.timeout(TIMEOUT_MILLIS),
  }).catch((cause: unknown) => {
    throw new OktaCallError('Okta did not answer. Try again in a moment.', null, { cause });
  });
  if (!response.ok) throw new OktaCallError(await describeRefusal(response), response.status);
  const users = (await response.json()) as OktaUser[];
  return users.map(({ id, status, profile }) => ({
    id,
    status,
    name: [profile.firstName, profile.lastName].filter(Boolean).join(' ') || profile.login,
    email: profile.email ?? profile.login,
  }));
}

/** The part of Okta's user that is used here. */
interface OktaUser {
  readonly id: string;
  readonly status: string;
  readonly profile: {
    readonly login: string;
    readonly email?: string;
    readonly firstName?: string;
    readonly lastName?: string;
  };
}

/** Okta's `errorSummary`; a missing scope comes as a 403 without a body, explained in `WWW-Authenticate`. */
async function describeRefusal(response: Response): Promise<string> {
  const body = (await response.json().catch(() => null)) as { errorSummary?: unknown } | null;
  if (typeof body?.errorSummary === 'string') return `Okta answered ${response.status}: ${body.errorSummary}`;
  const challenge = response.headers.get('www-authenticate') ?? '';
  const reason = /error_description="([^"]+)"/.exec(challenge)?.[1];
  return `Okta answered ${response.status}${reason ? `: ${reason}` : ''}`;
}

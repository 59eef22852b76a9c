import type { Credential } from '@authpipe/types';

const TIMEOUT_MILLIS = 20_000;

/** A server's answer, or that there was none (`status` 0). */
export interface ServerAnswer<Body> {
  readonly status: number;
  readonly body: Body | null;
  /** `code` of a problem. */
  readonly code: string | null;
  readonly reason: string | null;
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Calls a server's API under `/v1`. Never rejects: in this house servers are killed in the middle of an answer. */
export async function callServer<Body>(
  url: string,
  apiKey: string,
  path: string,
  request: { readonly method?: string; readonly body?: object } = {},
): Promise<ServerAnswer<Body>> {
  try {
    const response = await fetch(new URL(`/v1${path}`, url), {
      method: request.method ?? 'GET',
      headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      signal: AbortSignal.timeout(TIMEOUT_MILLIS),
    });
    const body = (await response.json()) as Record<string, unknown>;
    return response.ok
      ? { status: response.status, body: body as Body, code: null, reason: null }
      : { status: response.status, body: null, code: textOf(body.code), reason: textOf(body.reason) };
  } catch {
    return { status: 0, body: null, code: null, reason: null };
  }
}

/** Reads a credential straight from a server. */
export function readCredential(
  url: string,
  apiKey: string,
  connectionId: string,
): Promise<ServerAnswer<Credential>> {
  return callServer(url, apiKey, `/credentials?connectionId=${encodeURIComponent(connectionId)}`);
}

/** Whether the org's API takes a credential: its status, or 0 where there was no answer. */
export async function tryAtOrg(orgUrl: string, credential: Credential): Promise<number> {
  const response = await fetch(new URL('/api/v1/users/me', orgUrl), {
    headers: credential.headers,
    signal: AbortSignal.timeout(TIMEOUT_MILLIS),
  }).catch(() => null);
  await response?.arrayBuffer().catch(() => null);
  return response?.status ?? 0;
}

import type { SessionRequest } from '@authpipe/react';
import type { ErrorView, IntegrationView, PeopleView } from '../integration-view.js';

/** The app's API refused a request; the message is for the person. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: string;

  constructor({ code, message }: ErrorView['error']) {
    super(message);
    this.code = code;
  }
}

export const fetchIntegration = (): Promise<IntegrationView> =>
  request<IntegrationView>('GET', '/api/integration');

export const fetchPeople = (): Promise<PeopleView> => request<PeopleView>('GET', '/api/users');

/** For the connect button, at the click; and for the list of connections, when it is shown and when its session is over. */
export const fetchConnectToken = async (wanted: SessionRequest): Promise<string> =>
  (await request<{ token: string }>('POST', '/api/connect-session', wanted)).token;

export const checkNow = (): Promise<void> => request<void>('POST', '/api/check');

export const disconnect = (): Promise<void> => request<void>('POST', '/api/disconnect');

async function request<Answer>(method: 'GET' | 'POST', path: string, body?: object): Promise<Answer> {
  const json = body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  const response = await fetch(path, { method, ...json }).catch(() => {
    throw new RequestError({ code: 'offline', message: 'Crewdesk does not answer. Check your network.' });
  });
  // A 204 has no body, and its callers expect none.
  const answer: unknown = response.status === 204 ? undefined : await response.json();
  if (!response.ok) throw new RequestError((answer as ErrorView).error);
  return answer as Answer;
}

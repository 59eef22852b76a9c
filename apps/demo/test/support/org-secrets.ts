import type { Secret } from './secret-search.js';
import type { Exchange } from './wiretap.js';

const FORM_SECRETS = ['code', 'code_verifier', 'refresh_token', 'client_secret'] as const;
const ANSWER_SECRETS = ['access_token', 'refresh_token', 'id_token'] as const;

/** Everything secret that ever went to the org's token endpoint or came from it: of every sign-in and every rotation. */
export function secretsOfTokenEndpoint(exchanges: readonly Exchange[]): Secret[] {
  const found = new Map<string, string>();
  const add = (name: string, value: unknown) => {
    if (typeof value === 'string' && value !== '') found.set(value, name);
  };
  for (const { url, requestBody, answerBody } of exchanges) {
    if (new URL(url).pathname !== '/oauth2/v1/token') continue;
    const form = new URLSearchParams(requestBody);
    for (const name of FORM_SECRETS) add(name, form.get(name));
    const answer = asRecord(answerBody);
    for (const name of ANSWER_SECRETS) add(name, answer[name]);
  }
  return [...found].map(([value, name], index) => ({ name: `${name} ${index + 1}`, value }));
}

/** Only what a browser must never see: a code and a state pass through it by design. */
export const tokensOf = (exchanges: readonly Exchange[]): Secret[] =>
  secretsOfTokenEndpoint(exchanges).filter(({ name }) => !name.startsWith('code '));

function asRecord(json: string): Record<string, unknown> {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}

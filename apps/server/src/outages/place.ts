import type { Question } from './peers-store.js';

/** A host, or an integration, whose connections fail together, and what they fail at: each is another place. */
export type Place = ({ readonly host: string } | { readonly integrationRowId: string }) & {
  readonly question: Question;
};

const PREFIX: Readonly<Record<Question, string>> = { token: '', rights: 'rights ', renewal: 'renewal ' };
const QUESTIONS = ['rights', 'renewal', 'token'] as const satisfies readonly Question[];

/** `host:https://acme.okta.com`, `integration:int_…`; before that `rights ` or `renewal `, where it is not the token itself. */
export const placeKey = (place: Place): string =>
  `${PREFIX[place.question]}${'host' in place ? `host:${place.host}` : `integration:${place.integrationRowId}`}`;

/** What a key says. */
export const parsePlaceKey = (
  key: string,
): { readonly kind: 'host' | 'integration'; readonly id: string; readonly question: Question } => {
  const question = QUESTIONS.find((one) => key.startsWith(PREFIX[one])) ?? 'token';
  const bare = key.slice(PREFIX[question].length);
  const kind = bare.startsWith('host:') ? 'host' : 'integration';
  return { kind, id: bare.slice(kind.length + 1), question };
};

/** The same host or integration, as it fails at something else. */
export const siblingKeys = (key: string): string[] => {
  const bare = key.slice(PREFIX[parsePlaceKey(key).question].length);
  return QUESTIONS.map((question) => `${PREFIX[question]}${bare}`).filter((other) => other !== key);
};

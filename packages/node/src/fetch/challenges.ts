/** One challenge of `WWW-Authenticate`. */
export interface Challenge {
  /** In lower case: `bearer`, `dpop`. */
  readonly scheme: string;
  /** By name in lower case, unquoted. */
  readonly params: ReadonlyMap<string, string>;
}

const SEPARATORS = /[ \t,]*/y;
const SCHEME = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)(?=[ \t,]|$)/y;
const TOKEN68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*[ \t]*(?=,|$)/y;
const PARAM = /[ \t,]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^ \t,"]+))/y;
const QUOTED_PAIR = /\\(.)/g;

/**
 * Reads the challenges of `WWW-Authenticate`, several in one field or in several joined by commas. What can't be read
 * ends the list: this never throws.
 * @see RFC 9110 section 11.6.1
 */
export const parseChallenges = (header: string | null): Challenge[] => {
  const challenges: Challenge[] = [];
  if (header === null) return challenges;
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(SEPARATORS);
    const scheme = take(SCHEME)?.[1];
    if (scheme === undefined) return challenges;
    const params = new Map<string, string>();
    challenges.push({ scheme: scheme.toLowerCase(), params });
    if (take(TOKEN68) !== null) continue;
    for (let param = take(PARAM); param !== null; param = take(PARAM)) {
      const [, name = '', quoted, plain = ''] = param;
      params.set(name.toLowerCase(), quoted === undefined ? plain : quoted.replace(QUOTED_PAIR, '$1'));
    }
  }
};

/** The first challenge with this `error`. @see RFC 6750 section 3.1 */
export const challengeWithError = (response: Response, error: string): Challenge | undefined =>
  parseChallenges(response.headers.get('www-authenticate')).find(
    ({ params }) => params.get('error') === error,
  );

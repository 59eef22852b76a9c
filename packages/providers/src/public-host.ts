import type { ParsedField } from './definition.js';

/** What a provider adds to the rules for public hosts. */
export interface HostRules {
  /** A host that is accepted, for the words of an error: `acme.okta.com`. */
  readonly example: string;
  /** The host that a single word most likely means: `acme` → `acme.okta.com`. */
  readonly completeLabel?: (label: string) => string;
  /** Judges a host that is already known to be a public name in lower case. */
  readonly accept?: (host: string) => ParsedField;
}

/**
 * Brings what a person typed for a host to the one form that is stored: `https://Acme.okta.com/` → `acme.okta.com`.
 * White space around it, upper case, one trailing dot, and a bare `http://` or `https://` in front are mended silently;
 * everything else that is not the name of a public host is an error that says what to type.
 *
 * This looks at the name alone. Whoever connects to the host still has to check the addresses it resolves to.
 */
export function parsePublicHost(typed: string, rules: HostRules): ParsedField {
  const { host, extra } = takeApart(typed);
  const judged = judgeHost(host, rules);
  if (extra === null) return judged;
  const error = `${EXTRAS[extra]} Type the host name alone, such as ${rules.example}.`;
  // Before an "@" stands whatever a forger likes: which host was meant can't be told.
  const suggestion = extra === 'userinfo' ? undefined : judged.ok ? judged.value : judged.suggestion;
  return suggestion === undefined ? { ok: false, error } : { ok: false, error, suggestion };
}

const EXTRAS = {
  userinfo: 'This holds a user name (the part before “@”).',
  path: 'This holds more than a host name (the part after “/”).',
  port: 'This holds a port (the part after “:”).',
  scheme: 'This starts with something other than https://.',
} as const;

function takeApart(typed: string): { host: string; extra: keyof typeof EXTRAS | null } {
  const value = typed.trim().toLowerCase();
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//.exec(value);
  const afterScheme = scheme ? value.slice(scheme[0].length) : value;
  // A browser reads a backslash as a slash.
  const authority = afterScheme.split(/[/\\?#]/, 1)[0] ?? '';
  const rest = afterScheme.slice(authority.length);
  if (authority.includes('@'))
    return { host: authority.slice(authority.lastIndexOf('@') + 1), extra: 'userinfo' };

  const port = /^([^:[\]]*):\d*$/.exec(authority);
  const host = (port?.[1] ?? authority).replace(/\.$/, '');
  if (scheme && scheme[1] !== 'https' && scheme[1] !== 'http') return { host, extra: 'scheme' };
  if (rest !== '' && rest !== '/') return { host, extra: 'path' };
  return { host, extra: port ? 'port' : null };
}

function judgeHost(host: string, rules: HostRules): ParsedField {
  const problem = problemOf(host);
  if (problem === null) return rules.accept?.(host) ?? { ok: true, value: host };
  const error = `${problem} Type a host name such as ${rules.example}.`;
  if (!LABEL.test(host) || host === 'localhost' || isNumber(host) || rules.completeLabel === undefined) {
    return { ok: false, error };
  }
  const completed = judgeHost(rules.completeLabel(host), { example: rules.example, ...acceptOf(rules) });
  return completed.ok ? { ok: false, error, suggestion: completed.value } : { ok: false, error };
}

const acceptOf = ({ accept }: HostRules) => (accept ? { accept } : {});

/** Letters, digits and inner hyphens, 63 at most. @see RFC 1123 section 2.1 */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** The longest name that DNS carries, without the trailing dot. @see RFC 1035 section 2.3.4 */
const MAX_HOST_LENGTH = 253;

/**
 * Names that never lead to a public host: special-use names of RFC 6761, 6762, 8375 and 7686, `internal` as ICANN
 * reserved it in 2024, and what routers and companies use inside.
 */
const PRIVATE_SUFFIXES = [
  'localhost',
  'localdomain',
  'local',
  'internal',
  'intranet',
  'private',
  'corp',
  'home',
  'lan',
  'home.arpa',
  'in-addr.arpa',
  'ip6.arpa',
  'test',
  'invalid',
  'onion',
] as const;

/** What keeps a lower-case name from being that of a public host, as a sentence; `null` if nothing does. */
function problemOf(host: string): string | null {
  if (host === '') return 'Nothing is given.';
  if (/\s/u.test(host)) return 'A host name holds no white space.';
  // Look-alikes: "аcme" with a Cyrillic "а" is another host. Nothing but plain letters is taken, encoded or not.
  if (!/^[\x21-\x7e]*$/.test(host)) return 'This holds letters other than a to z.';
  if (/^\[|^[0-9a-f]*:[0-9a-f:.]*(?:%|$)/.test(host)) return 'An IP address can’t be used.';
  if (host.length > MAX_HOST_LENGTH) return `A host name has at most ${MAX_HOST_LENGTH} characters.`;

  const labels = host.split('.');
  const last = labels.at(-1) ?? '';
  // "127.1", "2130706433" and "0x7f000001" are addresses too: a name whose last part is a number is never a host name.
  if (isNumber(last)) return 'An IP address can’t be used.';
  if (labels.some((label) => label === '')) return 'A host name has no empty part between its dots.';
  if (labels.some((label) => !LABEL.test(label))) {
    return 'A host name is made of letters, digits and hyphens, with dots between them.';
  }
  if (labels.some((label) => label.startsWith('xn--')))
    return 'This holds encoded letters other than a to z (“xn--”).';
  if (host === 'localhost' || host.endsWith('.localhost')) return '“localhost” is this computer.';
  if (labels.length === 1) return 'One word is not a whole host name.';
  if (PRIVATE_SUFFIXES.some((suffix) => host.endsWith(`.${suffix}`) || host === suffix)) {
    return `“.${last}” names are private: they can’t be reached from here.`;
  }
  if (!/^[a-z]{2,}$/.test(last)) return 'A host name ends in letters.';
  return null;
}

/** How URLs decide that a host is an IPv4 address. @see https://url.spec.whatwg.org/#ends-in-a-number-checker */
const isNumber = (label: string) => /^(?:\d+|0x[0-9a-f]*)$/.test(label);

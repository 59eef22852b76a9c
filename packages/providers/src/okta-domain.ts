import type { ParsedField } from './definition.js';
import { parsePublicHost } from './public-host.js';

const EXAMPLE = 'acme.okta.com';

/** Domains below which Okta gives each org a name of its own. */
const OKTA_DOMAINS = ['okta.com', 'oktapreview.com', 'okta-emea.com', 'okta-gov.com', 'okta.mil'] as const;

/** Okta's own sites, which look like orgs. */
const NOT_AN_ORG = new Set(['www', 'login', 'developer', 'help', 'support', 'trust', 'status', 'admin']);

/** Whether a host is an org's own name at Okta (`acme.okta.com`), which other hosts may speak for. */
export function isOktaOrgHost(host: string): boolean {
  const split = splitOktaHost(host);
  return split !== null && judgeOrgName(split.name, split.domain) === null;
}

/**
 * Accepts an org's host: `acme.okta.com` and its like, or a custom domain. Refuses the admin console's host, Okta's own
 * sites and names that only look like Okta's; says what to type instead.
 */
export function parseOktaDomain(typed: string): ParsedField {
  return parsePublicHost(typed, {
    example: EXAMPLE,
    completeLabel: (label) => `${label}.okta.com`,
    accept: acceptOktaHost,
  });
}

/**
 * Whether the document at `/.well-known/okta-organization` of an org says that `givenHost` is one of its hosts. It has
 * the org's id, `_links.organization.href` (the org's URL at Okta) and, where there is a custom domain,
 * `_links.alternate.href`.
 *
 * @see https://developer.okta.com/docs/api/openapi/okta-management/management/tag/OrgSettingMetadata/
 */
export function confirmsOktaHost(document: unknown, givenHost: string): boolean {
  const links = propertyOf(document, '_links');
  return (
    ['organization', 'alternate']
      // One link, or several where a relation has more than one target.
      .flatMap((relation) => propertyOf(links, relation))
      .map((link) => hostOfHref(propertyOf(link, 'href')))
      .some((host) => host !== null && host === givenHost.toLowerCase())
  );
}

function acceptOktaHost(host: string): ParsedField {
  const split = splitOktaHost(host);
  if (split) return judgeOrgName(split.name, split.domain) ?? { ok: true, value: host };
  const meant = imitated(host);
  if (meant === null) return { ok: true, value: host };
  const error = `“${host}” looks like an Okta host, but it is not Okta’s. Type your org’s host, such as ${EXAMPLE}.`;
  return isOktaOrgHost(meant) ? { ok: false, error, suggestion: meant } : { ok: false, error };
}

function splitOktaHost(host: string): { name: string; domain: string } | null {
  const domain = OKTA_DOMAINS.find((candidate) => host === candidate || host.endsWith(`.${candidate}`));
  return domain === undefined ? null : { name: host.slice(0, -domain.length).replace(/\.$/, ''), domain };
}

/** What is wrong with the part before `okta.com`; `null` if nothing is. */
function judgeOrgName(name: string, domain: string): Extract<ParsedField, { ok: false }> | null {
  const error = (problem: string) => `${problem} Type your org’s host, such as acme.${domain}.`;
  if (name === '') return { ok: false, error: error(`“${domain}” alone is not an org.`) };
  if (name.includes('.')) {
    const org = name.split('.').find((label) => !NOT_AN_ORG.has(label));
    const problem = error(`An org has one name before “.${domain}”.`);
    return org === undefined
      ? { ok: false, error: problem }
      : { ok: false, error: problem, suggestion: `${org.replace(/-admin$/, '')}.${domain}` };
  }
  if (name.endsWith('-admin') && name !== '-admin') {
    const org = name.slice(0, -'-admin'.length);
    return {
      ok: false,
      error: `That is the host of the admin console. Type the org’s own host, without “-admin”.`,
      suggestion: `${org}.${domain}`,
    };
  }
  if (NOT_AN_ORG.has(name))
    return { ok: false, error: error(`“${name}.${domain}” is Okta’s own site, not an org.`) };
  return null;
}

/**
 * The Okta host that a foreign one imitates: `acme.okta.com.evil.net`, `acme.0kta.com`, `acme.okta.net` → `acme.okta.com`.
 * Names that merely contain the word, such as `okta.acme.com`, are good custom domains.
 */
function imitated(host: string): string | null {
  const inside = OKTA_DOMAINS.find((domain) => `.${host}.`.includes(`.${domain}.`));
  if (inside !== undefined) return `${host.slice(0, host.indexOf(inside))}${inside}`;
  const labels = host.split('.');
  const skeleton = (label: string) => label.replaceAll('0', 'o').replaceAll('4', 'a').replaceAll('-', '');
  const registered = skeleton(labels.at(-2) ?? '');
  const domain = OKTA_DOMAINS.find((candidate) => skeleton(candidate.split('.')[0] ?? '') === registered);
  return domain === undefined ? null : [...labels.slice(0, -2), domain].join('.');
}

function hostOfHref(href: unknown): string | null {
  if (typeof href !== 'string') return null;
  return /^https:\/\/([a-z0-9.-]+)\/?$/i.exec(href)?.[1]?.toLowerCase() ?? null;
}

function propertyOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

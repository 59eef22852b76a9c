import type { UrlTemplate } from './definition.js';
import { isLoopbackHost } from './loopback-host.js';

/** How to fill a template. */
export interface FillOptions {
  /**
   * Development only: a loopback host with or without a port is reached over `http`. Where it is off, loopback hosts are
   * filled in like any other, over `https`. Default `false`.
   */
  readonly allowLoopback?: boolean;
}

/** A template names a setting that the connection does not have. */
export class MissingConfigError extends Error {
  override readonly name = 'MissingConfigError';

  /** @param field Name of the missing setting: `domain`. */
  constructor(readonly field: string) {
    super(`The setting "${field}" is missing: give it in the config of the integration or the connection.`);
  }
}

/**
 * Fills a template's braces with values that `parseConfig` has accepted: `https://{domain}/x` → `https://acme.okta.com/x`.
 *
 * @throws {MissingConfigError} where a value is missing or empty.
 */
export function fillUrl(
  template: UrlTemplate,
  config: Readonly<Record<string, string>>,
  { allowLoopback = false }: FillOptions = {},
): string {
  const url = fill(template, config);
  const host = url.slice('https://'.length).split('/', 1)[0] ?? '';
  return allowLoopback && isLoopbackHost(host) ? url.replace(/^https:/, 'http:') : url;
}

/**
 * Fills the braces in the values of extra request parameters (`authorizationParams`, `tokenParams`).
 *
 * @throws {MissingConfigError} where a value is missing or empty.
 */
export function fillParams(
  params: Readonly<Record<string, string>>,
  config: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, fill(value, config)]));
}

function fill(template: string, config: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{([A-Za-z0-9_]+)\}/g, (_, field: string) => settingOf(config, field));
}

function settingOf(config: Readonly<Record<string, string>>, field: string): string {
  const value = Object.hasOwn(config, field) ? config[field] : undefined;
  if (value === undefined || value === '') throw new MissingConfigError(field);
  return value;
}

import type { ConfigField, ParsedField, ProviderDefinition } from './definition.js';
import { isLoopbackHost } from './loopback-host.js';

/** How to read settings. */
export interface ParseConfigOptions {
  /** Development only: a `host` field takes a loopback host, with or without a port. Default `false`. */
  readonly allowLoopback?: boolean;
}

/** What is wrong with one setting; `suggestion` is a value that would be accepted, if one can be told. */
export interface ConfigError {
  readonly field: string;
  readonly error: string;
  readonly suggestion?: string;
}

/** Settings in the form that is stored, or everything that is wrong with them. */
export type ParsedConfig =
  | { readonly ok: true; readonly config: Record<string, string> }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/**
 * Checks what a person or a program gave as a provider's settings, and brings each to its stored form. Settings that the
 * provider does not know are errors; optional ones may be missing or empty, and are then left out.
 */
export function parseConfig(
  definition: Pick<ProviderDefinition, 'name' | 'config'>,
  input: Readonly<Record<string, string>>,
  { allowLoopback = false }: ParseConfigOptions = {},
): ParsedConfig {
  const errors: ConfigError[] = [];
  const config: Record<string, string> = {};
  for (const field of Object.keys(input)) {
    if (!Object.hasOwn(definition.config, field))
      errors.push({ field, error: unknownField(definition, field) });
  }
  for (const [field, rules] of Object.entries(definition.config)) {
    const typed = Object.hasOwn(input, field) ? (input[field] ?? '') : '';
    if (typed.trim() === '') {
      if (rules.required)
        errors.push({ field, error: `${rules.label} is missing. Give one such as ${rules.example}.` });
      continue;
    }
    const parsed = parseField(rules, typed, allowLoopback);
    if (parsed.ok) config[field] = parsed.value;
    else {
      const { error, suggestion } = parsed;
      errors.push(suggestion === undefined ? { field, error } : { field, error, suggestion });
    }
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, config };
}

function parseField(rules: ConfigField, typed: string, allowLoopback: boolean): ParsedField {
  if (allowLoopback && rules.kind === 'host') {
    const host = typed.trim().toLowerCase();
    if (isLoopbackHost(host)) return { ok: true, value: host };
  }
  return rules.parse(typed);
}

function unknownField({ name, config }: Pick<ProviderDefinition, 'name' | 'config'>, field: string): string {
  const known = Object.keys(config).join(', ');
  return known === ''
    ? `${name} has no setting "${field}": it has none at all.`
    : `${name} has no setting "${field}". It has: ${known}.`;
}
